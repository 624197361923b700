import { describe, expect, it } from "vitest";
import { BEARER_EXPRESSION, identityFaults, readEnvironment } from "../../../lambdas/authorizer/environment.ts";
import { bearerToken } from "../../../shared/oidc/bearer-token.ts";

const GOOGLE = {
  issuer: "https://accounts.google.com",
  audiences: ["https://millrace.example"],
  subjects: ["1234567890"],
};

const read = (value: unknown) => readEnvironment({ MILLRACE_TRUSTED_IDENTITIES: JSON.stringify(value) });
const faults = (changes: object) =>
  identityFaults([{ ...GOOGLE, ...changes }]).map(({ path, message }) => `${path.join(".")} ${message}`);

describe("the environment of the authorizer", () => {
  it("holds identities as they were given", () => {
    const identities = [
      { ...GOOGLE, allow: "write" },
      { ...GOOGLE, subjects: ["other"], allow: "read" },
      {
        issuer: "https://login.microsoftonline.com/9c5e1b0a/v2.0",
        audiences: ["api://millrace", "5f1c"],
        subjects: ["0000-1111"],
        jwksUri: "https://login.microsoftonline.com/9c5e1b0a/discovery/v2.0/keys?appid=5f1c",
      },
    ];
    expect(read(identities)).toEqual({ trustedIdentities: identities });
  });

  it("is refused by its name, and by everything that is wrong with it", () => {
    expect(() => readEnvironment({})).toThrow("environment variable MILLRACE_TRUSTED_IDENTITIES is not set");
    expect(() => readEnvironment({ MILLRACE_TRUSTED_IDENTITIES: "[{" })).toThrow(
      "MILLRACE_TRUSTED_IDENTITIES must be JSON",
    );
    expect(() => read([{ ...GOOGLE, issuer: "accounts.google.com", subjects: ["*"] }])).toThrow(
      /^MILLRACE_TRUSTED_IDENTITIES: 0\.issuer must be an https URL .*; 0\.subjects\.0 may have \* /,
    );
    for (const value of [{}, null, [], "x", 1])
      expect(() => read(value)).toThrow("must be a list of at least one identity");
    for (const value of [[null], ["x"], [[]], [1]]) expect(() => read(value)).toThrow("0 must be an object");
  });
});

describe("a trusted identity", () => {
  it("has an issuer that is an https URL as tokens have it; plain http is for this machine", () => {
    for (const issuer of [
      "https://sts.windows.net/9c5e1b0a/",
      "https://token.actions.githubusercontent.com",
      "http://127.0.0.1:4000",
      "http://localhost:4000/tenant",
      "http://[::1]:4000",
    ]) {
      expect([issuer, faults({ issuer })]).toEqual([issuer, []]);
    }
    for (const issuer of [
      "http://accounts.google.com",
      "http://127.0.0.1.evil.example",
      "http://localhost.evil.example",
      "accounts.google.com",
      "https://",
      "ftp://127.0.0.1",
      "file:///etc/passwd",
      " https://accounts.google.com",
      "https://user:secret@accounts.google.com",
      "https://accounts.google.com?x",
      "https://accounts.google.com#x",
      "https://accounts.google.com/?",
      "https://accounts.google.com/#",
      `https://${"a".repeat(600)}.example`,
      "",
      undefined,
      7,
    ]) {
      expect([issuer, faults({ issuer })]).toEqual([issuer, [expect.stringMatching(/^0\.issuer must/)]]);
    }
  });

  it("says where its keys are by https only", () => {
    expect(faults({ jwksUri: "https://www.googleapis.com/oauth2/v3/certs" })).toEqual([]);
    for (const jwksUri of [
      "http://www.googleapis.com/certs",
      "",
      null,
      "https://u@a.example/keys",
      "https://a.example/#",
    ]) {
      expect([jwksUri, faults({ jwksUri }).length]).toEqual([jwksUri, 1]);
    }
  });

  it("has an audience and a subject at least", () => {
    for (const field of ["audiences", "subjects"]) {
      for (const list of [undefined, [], "x", {}]) {
        expect(faults({ [field]: list })).toEqual([`0.${field} must be a list of at least one`]);
      }
      for (const text of ["", " x", "x\n", 7, null, "x".repeat(513), "a\u0000b"]) {
        expect([text, faults({ [field]: ["good", text] })]).toEqual([
          text,
          [expect.stringMatching(`^0.${field}.1 must be text`)],
        ]);
      }
    }
    expect(faults({ audiences: ["https://millrace.example/*"] })).toEqual([
      expect.stringContaining("0.audiences.0 must be a whole"),
    ]);
  });

  it("may have a pattern for a subject that names whose it is, and ends where a name does", () => {
    for (const subject of [
      "repo:octo-org/octo-repo:*",
      "repo:octo-org/*",
      "repo:octo-org@123/octo-repo@456:ref:*",
      "system:serviceaccount:orders:*",
      "spiffe://example.org/ns/orders/*",
    ]) {
      expect([subject, faults({ subjects: [subject] })]).toEqual([subject, []]);
    }
    for (const subject of [
      "*",
      "**",
      ":*",
      "repo:*",
      "repo:/*",
      "repo:octo-org*",
      "repo:octo-org/octo-repo*",
      "repo:*/octo-repo:*",
      "repo:octo-org/*:ref",
      "spiffe://*",
      "12345*",
    ]) {
      expect([subject, faults({ subjects: [subject] })]).toEqual([
        subject,
        [expect.stringContaining("0.subjects.0 may have *")],
      ]);
    }
  });

  it("is allowed to read, to write or all, and nothing else is said of it", () => {
    for (const allow of ["read", "write", "all", undefined]) expect(faults({ allow })).toEqual([]);
    for (const allow of ["", "READ", "none", null, ["read"]])
      expect(faults({ allow })).toEqual(["0.allow must be read, write or all"]);
    expect(faults({ audience: "x" })).toEqual([
      expect.stringMatching("^0.audience is unknown; known are issuer, audiences"),
    ]);
  });

  it("has its issuer's keys where others of that issuer have them", () => {
    const other = { ...GOOGLE, jwksUri: "https://evil.example/keys" };
    expect(identityFaults([GOOGLE, GOOGLE])).toEqual([]);
    expect(identityFaults([other, other])).toEqual([]);
    for (const pair of [
      [GOOGLE, other],
      [other, GOOGLE],
    ]) {
      expect(identityFaults(pair)).toEqual([{ path: [1, "jwksUri"], message: expect.stringContaining("differs") }]);
    }
  });
});

describe("the expression for bearer tokens", () => {
  it("lets the same headers in as the function does", () => {
    const cases: [string, boolean][] = [
      ["Bearer a.b.c", true],
      ["bearer   a-b.c_d.e1", true],
      ["BEARER a.b.c", true],
      ["Bearer a.b.", false],
      ["Bearer a.b.c.d.e", false],
      ["Bearer a.b.c, Bearer a.b.c", false],
      ["Basic a.b.c", false],
      ["a.b.c", false],
      ["Bearer  ", false],
    ];
    for (const [header, isToken] of cases) {
      expect([header, new RegExp(BEARER_EXPRESSION).test(header)]).toEqual([header, isToken]);
      expect([header, bearerToken(header) !== undefined]).toEqual([header, isToken]);
    }
  });
});
