import fc from "fast-check";
import { EncryptJWT, exportSPKI, generateKeyPair, type JWTPayload, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type Authorizer, newAuthorizer } from "./authorizer.ts";
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

/** A token whose parts are just these. */
const raw = (header: unknown, payload: unknown, signature = "AAAA") =>
  `Bearer ${[header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".")}.${signature}`;

describe("a token that is not valid", () => {
  it("is 401 when a claim is wrong, missing or not of its type", async () => {
    const wrong: Record<string, unknown>[] = [
      { aud: "https://millrace.example/" },
      { aud: [] },
      { aud: { [AUDIENCE]: true } },
      { aud: undefined },
      { exp: seconds() - 70 },
      { exp: undefined },
      { exp: "9999999999" },
      { exp: null },
      { nbf: seconds() + 70 },
      { nbf: "0" },
      { sub: undefined },
      { sub: ["1234567890"] },
      { sub: `repo:octo-org/octo-repo:${"x".repeat(600)}` },
    ];
    for (const claims of wrong) {
      expect([claims, await authorizer.status(await issuer.bearer(claims as JWTPayload))]).toEqual([claims, 401]);
    }
  });

  it("is 401 without a question to anybody when its issuer is not trusted to the letter", async () => {
    const other = await LocalIssuer.start();
    const { origin } = issuer;
    for (const iss of [
      other.url,
      `${origin}/`,
      `${origin}?`,
      origin.toUpperCase(),
      [origin],
      { origin },
      undefined,
      "__proto__",
    ]) {
      const key = other.key();
      expect([iss, await authorizer.status(`Bearer ${await issuer.token({ iss } as JWTPayload, {}, key)}`)]).toEqual([
        iss,
        401,
      ]);
    }
    expect([issuer.asked, other.asked]).toEqual([[], []]);
    await other.stop();
  });

  it("is 401 when it is not signed, or with a secret", async () => {
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: "1234567890", exp: seconds() + 600 };
    const publicKey = Buffer.from(await exportSPKI(issuer.key().pair.publicKey));
    const spkis = [publicKey, Buffer.from(publicKey.toString().trim()), Buffer.from(JSON.stringify(issuer.key().jwk))];
    expect(await authorizer.status(`Bearer ${new UnsecuredJWT(claims).encode()}`)).toBe(401);
    for (const alg of ["none", "None", "NONE", "nOnE", "", null, ["RS256"]]) {
      expect([alg, await authorizer.status(raw({ alg, kid: "k1" }, claims))]).toEqual([alg, 401]);
    }
    for (const secret of spkis) {
      for (const alg of ["HS256", "HS384", "HS512"]) {
        const token = await new SignJWT(claims).setProtectedHeader({ alg, kid: "k1" }).sign(secret);
        expect([alg, await authorizer.status(`Bearer ${token}`)]).toEqual([alg, 401]);
      }
    }
    expect(issuer.asked).toEqual([]);
  });

  it("is 401 when it is signed by a key that it brings along or points at", async () => {
    const forger = await LocalIssuer.start();
    const key = forger.key();
    for (const header of [
      { jwk: key.jwk },
      { jku: `${forger.origin}/keys` },
      { x5u: `${forger.origin}/keys` },
      { x5c: ["MIIB"] },
      { kid: "../../keys" },
      { kid: "" },
      { kid: { $ne: null } },
      { kid: undefined },
    ]) {
      const token = await issuer.token({}, header as Record<string, unknown>, key);
      expect([header, await authorizer.status(`Bearer ${token}`)]).toEqual([header, 401]);
    }
    expect(forger.asked).toEqual([]);
    await forger.stop();
  });

  it("is 401 when its signature, its claims or its algorithm were changed", async () => {
    const [header, payload, signature] = (await issuer.token()).split(".") as [string, string, string];
    const others = (await issuer.token({ sub: "mallory" })).split(".") as [string, string, string];
    const flipped = `${signature[0] === "A" ? "B" : "A"}${signature.slice(1)}`;
    expect(await authorizer.status(`Bearer ${header}.${payload}.${flipped}`)).toBe(401);
    expect(await authorizer.status(`Bearer ${header}.${others[1]}.${signature}`)).toBe(401);
    expect(await authorizer.status(`Bearer ${header}.${payload}.${signature.slice(0, -4)}`)).toBe(401);
    const otherAlgorithm = Buffer.from(JSON.stringify({ alg: "PS256", kid: "k1" })).toString("base64url");
    expect(await authorizer.status(`Bearer ${otherAlgorithm}.${payload}.${signature}`)).toBe(401);
  });

  it("is 401 when it needs something that nobody here understands, or is encrypted, or no JSON object", async () => {
    const payload = JSON.stringify({ iss: issuer.url, aud: AUDIENCE, sub: "1234567890", exp: seconds() + 600 });
    const plain = { alg: "RS256", kid: "k1" };
    expect(await authorizer.status(`Bearer ${issuer.signed(plain, payload)}`)).toBe(200);
    for (const more of [{ crit: ["exp"], exp: 1 }, { crit: ["b64"], b64: false }, { crit: [] }, { crit: "exp" }]) {
      expect([more, await authorizer.status(`Bearer ${issuer.signed({ ...plain, ...more }, payload)}`)]).toEqual([
        more,
        401,
      ]);
    }
    for (const text of ["[]", "null", "1", "{", "", "{}", '"x"', "[".repeat(6_000), `${payload}x`, "\ufeff"]) {
      expect([text, await authorizer.status(`Bearer ${issuer.signed(plain, text)}`)]).toEqual([text, 401]);
    }
    const { publicKey } = await generateKeyPair("RSA-OAEP-256");
    const encrypted = new EncryptJWT({ iss: issuer.url }).setProtectedHeader({ alg: "RSA-OAEP-256", enc: "A256GCM" });
    expect(await authorizer.status(`Bearer ${await encrypted.encrypt(publicKey)}`)).toBe(401);
  });

  it("is 401 when the header has none, several or another scheme", async () => {
    const token = await issuer.token();
    for (const header of [
      undefined,
      "",
      "Bearer",
      "Bearer ",
      token,
      `Basic ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer ${token},${token}`,
      `Bearer ${token} ${token}`,
      `Bearer\t${token}`,
      ` Bearer ${token}`,
      `Bearer ${token}\n`,
      `Bearer ${token}=`,
      `Bearer ${token}.`,
      `Bearer ${token.replace(".", "..")}`,
      `Bearer ${token.split(".").slice(0, 2).join(".")}`,
      `Bearer "${token}"`,
      `Bearer ${token}\u0000`,
    ]) {
      expect([header, await authorizer.status(header)]).toEqual([header, 401]);
    }
  });

  it("is 401 when it is larger than API Gateway's headers, good as it is", async () => {
    const fits = await issuer.bearer({ groups: "g".repeat(6_500) });
    const huge = await issuer.bearer({ groups: "g".repeat(8_000) });
    expect([fits.length < 10_240, huge.length > 10_240]).toEqual([true, true]);
    expect([await authorizer.status(fits), await authorizer.status(huge)]).toEqual([200, 401]);
  });

  it("is 401 whatever its header and claims are made of, and never a failure", async () => {
    const value = fc.oneof(
      fc.json().map((text) => JSON.parse(text)),
      fc.constantFrom("RS256", "k1", AUDIENCE, "1234567890"),
    );
    const object = (names: string[]) =>
      fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value, { maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(
        object(["alg", "kid", "crit", "b64", "jwk", "typ"]),
        object(["exp", "sub", "aud", "nbf"]),
        async (a, b) => {
          expect(await authorizer.status(raw({ alg: "RS256", kid: "k1", ...a }, { iss: issuer.url, ...b }))).toBe(401);
        },
      ),
      { numRuns: 300 },
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (text) => {
        expect(await authorizer.status(text)).toBe(401);
        expect(await authorizer.status(`Bearer ${text}`)).toBe(401);
      }),
    );
  });
});

describe("the log", () => {
  const lines = ({ log }: Authorizer) =>
    log()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));

  async function refused(to: Authorizer): Promise<void> {
    const headers = [
      await issuer.bearer(),
      await issuer.bearer({ sub: "mallory" }),
      await issuer.bearer({ exp: 1, sub: "late" }),
      await issuer.bearer({ iss: `https://evil.example/${"x".repeat(300)}` }),
    ];
    for (const header of headers) await to.status(header);
    for (const header of headers) {
      for (const part of header.split(" ")[1]!.split(".")) expect(to.log()).not.toContain(part);
    }
  }

  const REFUSALS = () => [
    {
      level: "WARN",
      message: "a token is untrusted",
      issuer: issuer.url,
      subject: "mallory",
      reason: "not a trusted subject",
    },
    { message: "a token is invalid", issuer: issuer.url, subject: "late", reason: "ERR_JWT_EXPIRED exp" },
    {
      message: "a token is invalid",
      reason: "not a trusted issuer",
      issuer: `https://evil.example/${"x".repeat(300)}`.slice(0, 200),
    },
  ];

  it("has issuer, subject and reason of what is refused, cut short, and never the token", async () => {
    await refused(authorizer);
    expect(lines(authorizer)).toMatchObject(REFUSALS());
  });

  it("has the same on Lambda, with the ids of the invocation", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "millrace-authorizer");
    vi.stubEnv("POWERTOOLS_SERVICE_NAME", "millrace");
    const onLambda = await newAuthorizer([issuer.identity()]);
    await refused(onLambda);
    expect(lines(onLambda)).toMatchObject(
      REFUSALS().map((line) => ({ ...line, service: "millrace", function_request_id: "r-1" })),
    );
  });
});
