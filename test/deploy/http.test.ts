import { beforeAll, describe, expect, it } from "vitest";
import { apiKey } from "./control-plane.ts";
import { deployment, ENDPOINT } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { send } from "./request.ts";

const first = deployment("first");
let face: Face;
let credentials: Record<string, string>;
beforeAll(async () => {
  credentials = { "x-api-key": await apiKey(first, "default") };
  face = await openFace(first, "ApiKey", credentials);
});

/** API Gateway speaks HTTPS alone; an emulator that speaks plain HTTP does not say so to the function. */
const schemeless = (url: string) => url.replace(/^https?:/, "");

describe("the HTTP API behind API Gateway", () => {
  it("answers on v2's routes", async () => {
    await face.createTopic("by-v2");
    const produced = await face.call("/topics/by-v2", {
      body: { records: [{ value: { n: 1 } }, { key: "k", value: "two" }] },
      headers: { "content-type": "application/vnd.kafka.json.v2+json" },
    });
    expect([produced.status, produced.body.offsets]).toMatchObject([200, [{ offset: 0 }, { offset: 1 }]]);
    expect((await face.call("/topics")).body).toContain("by-v2");
    expect((await face.call("/topics/by-v2/partitions/0/offsets")).body).toEqual({
      beginning_offset: 0,
      end_offset: 2,
    });
    expect((await face.call("/brokers")).body).toEqual({ brokers: [1] });
  });

  it("answers under /kafka/v3 as under /v3, with links that stay there", async () => {
    const { status, body } = await face.call(`/kafka/v3/clusters/${face.cluster}`);
    expect([status, body.cluster_id]).toEqual([200, face.cluster]);
    expect(schemeless(body.metadata.self)).toBe(schemeless(`${face.url.href}/kafka/v3/clusters/${face.cluster}`));
  });

  it("puts links into its answers that lead where they say, stage included", async () => {
    const { body } = await face.call(`/v3/clusters/${face.cluster}`);
    for (const link of [body.metadata.self, body.topics.related, body.brokers.related]) {
      expect(schemeless(link)).toMatch(new RegExp(`^${schemeless(face.url.href)}/v3/`));
      expect([link, (await send(new URL(link), { headers: credentials })).status]).toEqual([link, 200]);
    }
  });

  it("describes itself in /openapi.json, whose server is the one that it came from", async () => {
    const { status, body } = await face.call("/openapi.json");
    expect([status, body.openapi]).toEqual([200, expect.stringMatching(/^3\./)]);
    expect(body.servers.map(({ url }: { url: string }) => schemeless(url))).toEqual([schemeless(face.url.href)]);
    const listed = await send(new URL(`${body.servers[0].url}/v3/clusters`), { headers: credentials });
    expect([listed.status, listed.body.data[0].cluster_id]).toEqual([200, face.cluster]);
  });

  it("answers HEAD without a body and OPTIONS with the methods there are", async () => {
    const head = await face.v3("/topics", { method: "HEAD" });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    const options = await face.v3("/topics", { method: "OPTIONS" });
    expect([options.status, options.headers["allow"]]).toEqual([204, "GET, POST, HEAD, OPTIONS"]);
  });

  it("says what there is instead where a path or a method is none, from both functions", async () => {
    for (const method of ["GET", "POST"]) {
      const { status, body } = await face.call("/v3/no-such-path", { method });
      expect([method, status, body.hint]).toEqual([method, 404, "GET /openapi.json lists all routes"]);
    }
    const refused = await face.v3("/topics", { method: "PUT", body: {} });
    expect([refused.status, refused.body.error_code, refused.headers["allow"]]).toEqual([
      405,
      405,
      "GET, POST, HEAD, OPTIONS",
    ]);
  });

  it("refuses what is wrong in a query, a body and a parameter, with a hint", async () => {
    const wrong = [
      await face.v3("/topics/any/partitions/0/records?offset=0&offset=1"),
      await face.v3("/topics", { body: '{"topic_name":' }),
      await face.v3("/topics", { body: { topic_nam: "x" } }),
    ];
    expect(wrong.map(({ status, body }) => [status, typeof body.message])).toEqual(Array(3).fill([400, "string"]));
  });

  // MiniStack hands bodies of any size to the function. On AWS those that make an event above Lambda's 6 MB, and those above
  // API Gateway's 10 MB, end in the gateway response REQUEST_TOO_LARGE, which has the same status, code and form.
  it.each([4.1, 5, 8, 11])("ends a body of %d MiB in 413 with a hint", async (mebibytes) => {
    await face.createTopic(`bodies-${mebibytes}`);
    const body = Buffer.alloc(mebibytes * 1024 * 1024, " ");
    const { status, body: answer } = await face.v3(`/topics/bodies-${mebibytes}/records`, { body });
    expect([status, answer]).toMatchObject([413, { error_code: 413, hint: expect.stringMatching(/fewer records/) }]);
  });

  it("takes a body of just below 4 MiB, whatever is in it", async () => {
    await face.createTopic("full");
    const data = '"é\u0001'.repeat(130_000);
    const body = [1, 2, 3].map(() => JSON.stringify({ value: { type: "STRING", data } })).join("");
    expect(Buffer.byteLength(body)).toBeLessThan(4 * 1024 * 1024);
    expect(Buffer.byteLength(body)).toBeGreaterThan(3.5 * 1024 * 1024);
    const { status, text } = await face.v3("/topics/full/records", { body });
    expect([
      status,
      text
        .trim()
        .split("\r\n")
        .map((line) => JSON.parse(line).offset),
    ]).toEqual([200, [0, 1, 2]]);
    const { body: read } = await face.v3("/topics/full/partitions/0/records?offset=2&max_bytes=3145728");
    expect(read.data.at(-1).value.data === data).toBe(true);
  });

  it("is asked on this machine and nowhere else", () => {
    expect(["127.0.0.1", "localhost", "[::1]"]).toContain(ENDPOINT.hostname);
  });
});
