import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  FAILURE_COOLDOWN_MS,
  FETCH_TIMEOUT_MS,
  KEYS_MAX_AGE_MS,
  UNKNOWN_KEY_COOLDOWN_MS,
} from "../../../shared/oidc/issuer-keys.ts";
import { type Authorizer, newAuthorizer } from "./authorizer.ts";
import { LocalIssuer, sendJson } from "./local-issuer.ts";

const DISCOVERY = "/.well-known/openid-configuration";

let issuer: LocalIssuer;
let authorizer: Authorizer;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  issuer = await LocalIssuer.start();
  authorizer = await newAuthorizer([issuer.identity()]);
});
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await issuer.stop();
});

const pass = (ms: number) => vi.setSystemTime(Date.now() + ms);
/** A token that says to be signed with one key, signed with another. */
const bearer = async (kid = "k1", signer = kid) => `Bearer ${await issuer.token({}, { kid }, issuer.key(signer))}`;

describe("an issuer's keys", () => {
  it("are found by discovery and fetched once, however many tokens come at once", async () => {
    const tokens = await Promise.all(Array.from({ length: 20 }, () => bearer()));
    expect(new Set(await Promise.all(tokens.map((token) => authorizer.status(token))))).toEqual(new Set([200]));
    expect(await authorizer.status(await bearer())).toBe(200);
    expect(issuer.asked).toEqual([DISCOVERY, "/keys"]);
  });

  it("come from jwksUri alone where that is set", async () => {
    const { status } = await newAuthorizer([issuer.identity({ jwksUri: `${issuer.origin}/keys` })]);
    expect(await status(await bearer())).toBe(200);
    expect(issuer.asked).toEqual(["/keys"]);
  });

  it("are found where an issuer is a path, with and without a slash at its end", async () => {
    for (const path of ["/tenant", "/tenant/", "/tenant/v2.0"]) {
      const tenant = await LocalIssuer.start(path);
      const { status } = await newAuthorizer([issuer.identity({ issuer: tenant.url })]);
      expect([path, await status(`Bearer ${await tenant.token()}`)]).toEqual([path, 200]);
      expect(tenant.asked).toEqual([`${path.replace(/\/$/, "")}${DISCOVERY}`, "/keys"]);
      await tenant.stop();
    }
  });

  it("are fetched again when they are old, and one that was withdrawn is trusted no longer", async () => {
    await issuer.addKey("k2");
    const withdrawn = await bearer("k2");
    expect(await authorizer.status(withdrawn)).toBe(200);
    issuer.removeKey("k2");
    pass(KEYS_MAX_AGE_MS - 1);
    expect([await authorizer.status(withdrawn), issuer.keyFetches]).toEqual([200, 1]);
    pass(1);
    expect([await authorizer.status(withdrawn), issuer.keyFetches]).toEqual([401, 2]);
    expect([await authorizer.status(await bearer()), issuer.keyFetches]).toEqual([200, 2]);
  });

  it("are fetched once for a key that is new", async () => {
    await authorizer.status(await bearer());
    pass(UNKNOWN_KEY_COOLDOWN_MS);
    await issuer.addKey("k2");
    issuer.removeKey("k1");
    expect(await authorizer.status(await bearer("k2"))).toBe(200);
    expect(await authorizer.status(await bearer("k2"))).toBe(200);
    expect(issuer.keyFetches).toBe(2);
  });

  it("are fetched no more than once in a cooldown for keys that somebody makes up", async () => {
    await authorizer.status(await bearer());
    const flood = async () => {
      const tokens = await Promise.all(Array.from({ length: 30 }, (_, index) => bearer(`made-up-${index}`, "k1")));
      expect(new Set(await Promise.all(tokens.map((token) => authorizer.status(token))))).toEqual(new Set([401]));
    };
    await flood();
    expect(issuer.keyFetches).toBe(1);
    for (const count of [2, 3]) {
      pass(UNKNOWN_KEY_COOLDOWN_MS);
      await flood();
      await flood();
      expect([count, issuer.keyFetches]).toEqual([count, count]);
    }
    expect(await authorizer.status(await bearer())).toBe(200);
  });

  it("move when the issuer says that they have", async () => {
    await authorizer.status(await bearer());
    issuer.instead.set(DISCOVERY, (_request, response) =>
      sendJson(response, { issuer: issuer.url, jwks_uri: `${issuer.origin}/elsewhere` }),
    );
    issuer.instead.set("/elsewhere", (_request, response) => sendJson(response, { keys: [issuer.key().jwk] }));
    pass(KEYS_MAX_AGE_MS);
    expect(await authorizer.status(await bearer())).toBe(200);
    expect(issuer.asked.at(-1)).toBe("/elsewhere");
  });
});

describe("an issuer whose keys cannot be had", () => {
  /** What becomes of a good token, and what the log says. */
  async function failure(): Promise<[number, string]> {
    const { status, log } = await newAuthorizer([issuer.identity()]);
    const answer = await status(await bearer());
    const { level, message, errorMessage } = JSON.parse(log());
    expect([level, message, errorMessage]).toEqual([
      "ERROR",
      "the invocation failed",
      expect.stringContaining(issuer.url),
    ]);
    return [answer, errorMessage];
  }

  it("is a failure and not a 401 when nobody listens", async () => {
    const token = await bearer();
    const { url } = issuer;
    await issuer.stop();
    expect(await authorizer.status(token)).toBe(500);
    expect(JSON.parse(authorizer.log()).errorMessage).toMatch(
      new RegExp(`keys of ${url} cannot be had: .*ECONNREFUSED`),
    );
  });

  it("is a failure when it does not answer in time, in its head or its body", async () => {
    issuer.instead.set(DISCOVERY, () => {});
    expect(await failure()).toEqual([500, expect.stringContaining(`no answer within ${FETCH_TIMEOUT_MS} ms`)]);
    issuer.instead.delete(DISCOVERY);
    issuer.instead.set("/keys", (_request, response) => {
      response.writeHead(200, { "content-type": "application/json" }).write('{"keys":[');
    });
    expect(await failure()).toEqual([500, expect.stringContaining(`no answer within ${FETCH_TIMEOUT_MS} ms`)]);
  });

  it("is a failure when it redirects, and the fetch goes nowhere", async () => {
    const other = await LocalIssuer.start();
    for (const path of [DISCOVERY, "/keys"]) {
      for (const status of [301, 302, 303, 307, 308]) {
        issuer.instead.set(path, (_request, response) =>
          response.writeHead(status, { location: other.origin + path }).end(),
        );
        expect(await failure()).toEqual([
          500,
          expect.stringContaining(`answered ${status}; redirects are not followed`),
        ]);
      }
      issuer.instead.delete(path);
    }
    expect(other.asked).toEqual([]);
    await other.stop();
  });

  it("is a failure when it answers what is no set of keys", async () => {
    const answers: [string, unknown, string][] = [
      [DISCOVERY, { issuer: `${issuer.url}/`, jwks_uri: `${issuer.origin}/keys` }, "is of another issuer"],
      [DISCOVERY, { jwks_uri: `${issuer.origin}/keys` }, "is of another issuer"],
      [DISCOVERY, null, "is of another issuer"],
      [DISCOVERY, { issuer: issuer.url }, "has no https jwks_uri"],
      [DISCOVERY, { issuer: issuer.url, jwks_uri: "http://169.254.169.254/keys" }, "has no https jwks_uri"],
      [DISCOVERY, { issuer: issuer.url, jwks_uri: "http://127.0.0.1:9001/keys" }, "has no https jwks_uri"],
      [DISCOVERY, { issuer: issuer.url, jwks_uri: "file:///etc/passwd" }, "has no https jwks_uri"],
      ["/keys", { keys: "none" }, "JSON Web Key Set malformed"],
      ["/keys", [], "JSON Web Key Set malformed"],
      ["/keys", { keys: [{ x: "y".repeat(300_000) }] }, "answered more than"],
    ];
    for (const [path, body, reason] of answers) {
      issuer.instead.set(path, (_request, response) => sendJson(response, body));
      expect([reason, ...(await failure())]).toEqual([reason, 500, expect.stringContaining(reason)]);
      issuer.instead.delete(path);
    }
    issuer.instead.set("/keys", (_request, response) => response.writeHead(200).end("<html>"));
    expect(await failure()).toEqual([500, expect.stringContaining("Failed to parse")]);
    issuer.instead.set("/keys", (_request, response) => response.writeHead(503).end());
    expect(await failure()).toEqual([500, expect.stringContaining("/keys answered 503")]);
  });

  it("is a failure when its key is too weak or private, and no reason to trust the token", async () => {
    const weak = { kty: "RSA", n: Buffer.alloc(128, 0xff).toString("base64url"), e: "AQAB", kid: "k1" };
    for (const key of [weak, { kty: "RSA", kid: "k1" }, { ...issuer.key().jwk, d: "AQAB" }]) {
      issuer.instead.set("/keys", (_request, response) => sendJson(response, { keys: [key] }));
      const { status, log } = await newAuthorizer([issuer.identity()]);
      expect(await status(await bearer())).toBe(500);
      expect(JSON.parse(log())).toMatchObject({ level: "ERROR", errorMessage: expect.any(String) });
    }
  });

  it("offers secrets to no purpose", async () => {
    const secret = { kty: "oct", k: Buffer.from("secret").toString("base64url"), kid: "k1" };
    issuer.instead.set("/keys", (_request, response) => sendJson(response, { keys: [secret] }));
    expect(await authorizer.status(await bearer())).toBe(401);
  });

  it("is left alone for a moment, then asked again, and good tokens pass as soon as it is back", async () => {
    issuer.instead.set("/keys", (_request, response) => response.writeHead(503).end());
    for (let count = 0; count < 10; count++) expect(await authorizer.status(await bearer())).toBe(500);
    expect(issuer.keyFetches).toBe(1);
    pass(FAILURE_COOLDOWN_MS);
    expect([await authorizer.status(await bearer()), issuer.keyFetches]).toEqual([500, 2]);
    // A clock that is set back makes no longer moment of it.
    pass(-10 * FAILURE_COOLDOWN_MS);
    expect([await authorizer.status(await bearer()), issuer.keyFetches]).toEqual([500, 3]);
    issuer.instead.clear();
    pass(FAILURE_COOLDOWN_MS);
    expect([await authorizer.status(await bearer()), issuer.keyFetches]).toEqual([200, 4]);
  });

  it("does not keep a token from passing whose key is known and not old", async () => {
    const good = await bearer();
    await authorizer.status(good);
    issuer.instead.set(DISCOVERY, (_request, response) => response.writeHead(500).end());
    pass(UNKNOWN_KEY_COOLDOWN_MS);
    expect(await authorizer.status(await bearer("made-up", "k1"))).toBe(500);
    expect(await authorizer.status(good)).toBe(200);
  });

  it("does not keep another issuer's tokens from passing", async () => {
    const other = await LocalIssuer.start();
    const { status } = await newAuthorizer([issuer.identity(), issuer.identity({ issuer: other.url })]);
    issuer.instead.set(DISCOVERY, (_request, response) => response.writeHead(500).end());
    expect(await status(await bearer())).toBe(500);
    expect(await status(`Bearer ${await other.token()}`)).toBe(200);
    expect(await status(`Bearer ${await other.token({ iss: issuer.url })}`)).toBe(500);
    await other.stop();
  });
});

describe("an authorizer whose environment is wrong", () => {
  it("is a failure that names the variable, and not a 401", async () => {
    for (const identities of [[], [{ issuer: "https://a.example", audiences: [], subjects: ["*"] }]]) {
      const { ask } = await newAuthorizer(identities);
      await expect(ask(await bearer())).rejects.toThrow("MILLRACE_TRUSTED_IDENTITIES");
    }
  });
});
