import { exportJWK, generateKeyPair, importJWK, type JWTPayload, SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { deployment, EMULATOR, issuer } from "./deployment.ts";
import { below, faceUrl, openFace } from "./face.ts";
import { type Answer, type Sent, send } from "./request.ts";

const first = deployment("first");
const url = faceUrl(first, "Oidc");
const TRUSTED = { sub: "repo:octo-org/octo-repo:ref:refs/heads/main" };
const now = Math.floor(Date.now() / 1000);

/** The headers of a caller whose issuer says this of it. */
async function bearer(claims: JWTPayload, key = issuer().key): Promise<Record<string, string>> {
  const payload = { iss: issuer().url, aud: "https://millrace.example", iat: now, exp: now + 3_600, ...claims };
  const jwt = new SignJWT(payload).setProtectedHeader({ alg: "RS256", kid: "k1" });
  return { authorization: `Bearer ${await jwt.sign(await importJWK(key, "RS256"))}` };
}

const call = (headers: Record<string, string>, path = "/v3/clusters", sent: Sent = {}): Promise<Answer> =>
  send(below(url, path), { ...sent, headers });

// LocalStack runs functions in containers, which do not reach an issuer on this machine's loopback interface.
describe.skipIf(EMULATOR === "localstack")("the way in by OIDC", () => {
  it("opens to a subject that is trusted, on every path and method", async () => {
    const { v3, createTopic } = await openFace(first, "Oidc", await bearer(TRUSTED));
    await createTopic("by-oidc");
    const produced = await v3("/topics/by-oidc/records", { body: { value: { type: "STRING", data: "one" } } });
    expect([produced.status, produced.body.offset]).toEqual([200, 0]);
    expect((await v3("/topics/by-oidc/partitions/0/records?offset=0")).body.data).toHaveLength(1);
    expect((await v3("/topics/by-oidc", { method: "DELETE" })).status).toBe(204);
  });

  it("lets a subject that is trusted to read do that, and no more", async () => {
    const headers = await bearer({ sub: "reader" });
    const { cluster } = await openFace(first, "Oidc", headers);
    const refused = await call(headers, `/v3/clusters/${cluster}/topics`, { body: { topic_name: "by-reader" } });
    expect([refused.status, refused.body]).toMatchObject([403, { error_code: 40301, hint: expect.any(String) }]);
  });

  it.each(["repo:octo-org/other-repo:ref:refs/heads/main", "repo:octo-org/octo-repository:ref:x", "root"])(
    "stays closed to the subject %s, which is not trusted",
    async (sub) => {
      const { status, body } = await call(await bearer({ sub }));
      expect([status, body]).toMatchObject([403, { error_code: 40301, hint: expect.any(String) }]);
    },
  );

  it.each<[string, () => Promise<Record<string, string>>]>([
    ["has expired", () => bearer({ ...TRUSTED, iat: now - 7_200, exp: now - 3_600 })],
    ["is for others", () => bearer({ ...TRUSTED, aud: "https://other.example" })],
    ["is another issuer's", () => bearer({ ...TRUSTED, iss: "https://other.example" })],
    ["is signed with another key", async () => bearer(TRUSTED, await foreignKey())],
    ["is none", async () => ({ authorization: "Bearer abc" })],
    ["is of another scheme", async () => ({ authorization: "Basic YWJjOmRlZg==" })],
  ])("stays closed to a token that %s", async (_what, headers) => {
    const { status, body } = await call(await headers());
    expect([status, body]).toMatchObject([401, { error_code: 40101, hint: expect.any(String) }]);
  });
});

async function foreignKey() {
  return exportJWK((await generateKeyPair("RS256", { extractable: true })).privateKey);
}
