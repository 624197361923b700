import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { TrustedIdentity } from "../../../lambdas/authorizer/environment.ts";
import { type Authorizer, METHOD_ARN, newAuthorizer } from "./authorizer.ts";
import { AUDIENCE, LocalIssuer, seconds } from "./local-issuer.ts";

let issuer: LocalIssuer;
let authorizer: Authorizer;
beforeAll(async () => {
  issuer = await LocalIssuer.start();
});
afterAll(() => issuer.stop());
beforeEach(async () => {
  issuer.asked.length = 0;
  authorizer = await newAuthorizer([issuer.identity()]);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

describe("a token of a trusted workload", () => {
  it("may call every method of the stage, whichever it was first shown for", async () => {
    expect(await authorizer.ask(await issuer.bearer())).toEqual({
      principalId: "1234567890",
      policyDocument: {
        Version: "2012-10-17",
        Statement: [
          {
            Action: "execute-api:Invoke",
            Effect: "Allow",
            Resource: ["arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/v1/*"],
          },
        ],
      },
      context: { issuer: issuer.url, subject: "1234567890" },
    });
  });

  it("may call what its identity is allowed, and what each of several is", async () => {
    const methods = async (...allows: TrustedIdentity["allow"][]) => {
      const { ask } = await newAuthorizer(allows.map((allow) => issuer.identity({ allow })));
      const { policyDocument } = await ask(await issuer.bearer());
      return policyDocument.Statement.flatMap((statement) => ("Resource" in statement ? statement.Resource : []));
    };
    const stage = METHOD_ARN.split("/").slice(0, 2).join("/");
    const read = ["GET", "HEAD", "OPTIONS"].map((method) => `${stage}/${method}/*`);
    const write = ["POST", "PUT", "PATCH", "DELETE"].map((method) => `${stage}/${method}/*`);
    expect(await methods("read")).toEqual(read);
    expect(await methods("write")).toEqual(write);
    expect(await methods("write", "read", "write")).toEqual([...write, ...read]);
    expect(await methods("all")).toEqual([`${stage}/*`]);
  });

  it("is taken with every asymmetric algorithm", async () => {
    for (const alg of ["RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]) {
      await issuer.addKey(alg, alg);
      const token = await issuer.token({}, { alg, kid: alg }, issuer.key(alg));
      const { status } = await newAuthorizer([issuer.identity()]);
      expect([alg, await status(`Bearer ${token}`)]).toEqual([alg, 200]);
      issuer.removeKey(alg);
    }
  });

  it("is taken with several audiences, a small difference of clocks, any case of the scheme, no typ or that of access tokens", async () => {
    expect(await authorizer.status(await issuer.bearer({ aud: ["https://other.example", AUDIENCE] }))).toBe(200);
    expect(await authorizer.status(await issuer.bearer({ nbf: seconds() + 50, iat: seconds() + 50 }))).toBe(200);
    expect(await authorizer.status(await issuer.bearer({ exp: seconds() - 50 }))).toBe(200);
    expect(await authorizer.status((await issuer.bearer()).replace("Bearer", "bearer"))).toBe(200);
    expect(await authorizer.status(await issuer.bearer({}, { typ: "at+jwt" }))).toBe(200);
    expect(await authorizer.status(await issuer.bearer({ sub: "repo:octo-org/octo-repo:ref:refs/heads/main" }))).toBe(
      200,
    );
  });

  it("gets its subject into principal and context without what could break a log line", async () => {
    const { principalId, context } = await authorizer.ask(
      await issuer.bearer({ sub: `repo:octo-org/octo-repo:ref:refs/heads/a","x":"\n${"é".repeat(200)}` }),
    );
    expect(principalId).toMatch(/^repo:octo-org\/octo-repo:ref:refs\/heads\/a_,_x_:__+$/);
    expect(principalId.length).toBe(128);
    expect(context!["subject"]).toMatch(/^repo:[\w:/,-]+$/);
  });
});

describe("a token of a trusted issuer about somebody else", () => {
  it("is denied: 403", async () => {
    for (const sub of [
      "12345678901",
      "123456789",
      "",
      "*",
      "repo:octo-org/octo-repo:",
      "repo:octo-org/octo-repo-evil:ref:refs/heads/main",
      "REPO:octo-org/octo-repo:x",
      " 1234567890",
    ]) {
      expect([sub, await authorizer.status(await issuer.bearer({ sub }))]).toEqual([sub, 403]);
    }
  });

  it("is denied when audience and subject are of different identities", async () => {
    const { status } = await newAuthorizer([
      issuer.identity({ audiences: ["https://a.example"], subjects: ["alice"] }),
      issuer.identity({ audiences: ["https://b.example"], subjects: ["bob"] }),
    ]);
    expect(await status(await issuer.bearer({ aud: "https://a.example", sub: "alice" }))).toBe(200);
    expect(await status(await issuer.bearer({ aud: "https://a.example", sub: "bob" }))).toBe(403);
    expect(await status(await issuer.bearer({ aud: ["https://a.example", "https://b.example"], sub: "bob" }))).toBe(
      200,
    );
  });
});
