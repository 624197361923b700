import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";
import { beforeAll, describe, expect, it } from "vitest";
import { apiKey } from "./control-plane.ts";
import { deployment, localUrl } from "./deployment.ts";
import { below, type Face, openFace } from "./face.ts";
import { type Answer, sendSigned } from "./request.ts";

const first = deployment("first");
const second = deployment("second");
let key: string;
let face: Face;
beforeAll(async () => {
  key = await apiKey(second, "default");
  face = await openFace(second, "ApiKey", { "x-api-key": key });
});

describe("a second deployment in the same account and region", () => {
  it("is a cluster of its own, with topics of its own", async () => {
    const other = await openFace(first, "ApiKey", { "x-api-key": await apiKey(first, "default") });
    expect(face.cluster).not.toBe(other.cluster);
    await other.createTopic("of-the-first");
    await face.createTopic("of-the-second");
    const names = async ({ call }: Face) => (await call("/topics")).body as string[];
    expect(await names(face)).toEqual(["of-the-second"]);
    expect(await names(other)).not.toContain("of-the-second");
    expect((await face.call(`/v3/clusters/${other.cluster}/topics`)).status).toBe(404);
  });

  it("answers 429, with a code and when to try again, beyond its throttle", async () => {
    const { burst } = settings().throttle;
    const answers = await Promise.all(Array.from({ length: burst * 2 + 4 }, () => face.call("/health")));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).not.toEqual([]);
    expect(refused).not.toEqual([]);
    expect(refused[0]!.headers["retry-after"]).toBe("1");
    expect(refused[0]!.body).toMatchObject({ error_code: 42900, kafka_error: "THROTTLING_QUOTA_EXCEEDED" });
  });

  it("is changed in place: its topics, its keys and its URL stay", { timeout: 600_000 }, async () => {
    await patiently(() =>
      face.v3("/topics/of-the-second/records", { body: { value: { type: "STRING", data: "kept" } } }),
    );
    const throttle = { ratePerSecond: 1_000, burst: 2_000 };
    const changed = { ...settings(), throttle, logLevel: "DEBUG", memorySizeMb: 2_048 };
    writeFileSync(second.settingsFile, JSON.stringify({ ...changed, access: { apiKey: {}, iam: {} } }));
    const args = [`settings=${second.settingsFile}`, ...process.env["MILLRACE_TEST_DEPLOY_SECOND"]!.split(" ")];
    await promisify(execFile)("npx", ["cdklocal", "deploy", "-c", ...args], { timeout: 500_000, maxBuffer: 1 << 26 });
    const { outputs } = deployment("second");
    expect(localUrl(outputs["ApiKeyUrl"]!)).toEqual(face.url);
    expect(await apiKey(deployment("second"), "default")).toBe(key);
    const { body } = await face.v3("/topics/of-the-second/partitions/0/records?offset=0");
    expect(body.data.map(({ value }: { value: { data: string } }) => value.data)).toEqual(["kept"]);
    const signed = await sendSigned(below(localUrl(outputs["IamUrl"]!), "/health"), "execute-api");
    expect([signed.status, signed.body.cluster_id]).toEqual([200, face.cluster]);
    // More than the old throttle let through at once, one after the other.
    for (let count = 0; count < 30; count++) expect((await face.call("/health")).status).toBe(200);
  });
});

function settings(): { readonly throttle: { readonly burst: number } } {
  return JSON.parse(readFileSync(second.settingsFile, "utf8"));
}

/** Again until it is not throttled. */
async function patiently(call: () => Promise<Answer>): Promise<Answer> {
  for (let attempt = 0; ; attempt++) {
    const answer = await call();
    if (answer.status !== 429 || attempt === 20) return answer;
    await new Promise((resolve) => setTimeout(resolve, 1_000 * Number(answer.headers["retry-after"])));
  }
}
