import { describe, expect, it } from "vitest";
import { apiKey } from "./control-plane.ts";
import { deployment } from "./deployment.ts";
import { below, faceUrl } from "./face.ts";
import { send } from "./request.ts";

const first = deployment("first");
const [keyUrl, iamUrl, oidcUrl] = [faceUrl(first, "ApiKey"), faceUrl(first, "Iam"), faceUrl(first, "Oidc")];

describe("a way in without credentials", () => {
  const METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"];
  const PATHS = ["/", "/health", "/openapi.json", "/v3/clusters", "/topics", "/kafka/v3/clusters"];

  it.each([
    ["API keys", keyUrl, 403],
    ["IAM", iamUrl, 403],
    ["OIDC", oidcUrl, 401],
  ])("by %s is closed, whatever the method and the path", async (_way, url, status) => {
    for (const method of METHODS) {
      for (const path of PATHS) {
        const answer = await send(below(url, path), { method, ...(method === "POST" ? { body: {} } : {}) });
        expect([method, path, answer.status]).toEqual([method, path, status]);
      }
    }
  });

  it.each([
    [keyUrl, 40301],
    [iamUrl, 40301],
    [oidcUrl, 40101],
  ])("%s answers as every error of Millrace does, with a code and a hint", async (url, error_code) => {
    const { body } = await send(below(url, "/v3/clusters"));
    expect(body).toEqual({ error_code, message: expect.any(String), hint: expect.stringMatching(/./) });
  });
});

describe("the way in by API keys", () => {
  const status = async (key: string) =>
    (await send(below(keyUrl, "/health"), { headers: { "x-api-key": key } })).status;

  it("opens with each of its keys", async () => {
    const keys = await Promise.all(["default", "reporting"].map((name) => apiKey(first, name)));
    expect(new Set(keys).size).toBe(2);
    expect(await Promise.all(keys.map(status))).toEqual([200, 200]);
  });

  it("stays closed for a key that is none, and for a key of another deployment", async () => {
    expect(await status("no-key-at-all")).toBe(403);
    expect(await status(await apiKey(deployment("second"), "default"))).toBe(403);
  });
});
