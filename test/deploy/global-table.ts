import http from "node:http";
import https from "node:https";
import { restartFunction } from "./control-plane.ts";
import { ENDPOINT, regionalDeployments } from "./deployment.ts";
import { ROOT, sendSigned } from "./request.ts";

/**
 * Makes one table of the metadata of several regions, which MiniStack has in the first one alone: a proxy before DynamoDB, to
 * which the functions of the others are sent. What is about the metadata table is asked of the first region, in the name of the
 * account's root; all else goes on as it came. So it is as strongly consistent as on AWS, and without AWS's delays. Until a
 * signal; writes a line when it is ready.
 */
const [first, ...others] = regionalDeployments();
const TABLE = `${first!.name}-metadata`;
const LAMBDAS = ["produce", "fetch", "coordinator", "maintenance", "replicator", "lease"];
const HOP_BY_HOP = new Set(["connection", "content-length", "host", "transfer-encoding"]);

const server = http.createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    answer(request, Buffer.concat(parts)).then(
      ({ status, headers, bytes }) => response.writeHead(status, headers).end(bytes),
      (error) => response.writeHead(502).end(String(error)),
    );
  });
});

interface Passed {
  readonly status: number;
  readonly headers: http.OutgoingHttpHeaders;
  readonly bytes: Buffer;
}

async function answer({ headers, method, url }: http.IncomingMessage, body: Buffer): Promise<Passed> {
  if (!isAboutMetadata(body)) return pass(method!, url!, headers, body);
  const sent = {
    method: "POST",
    region: first!.region,
    headers: {
      "x-amz-target": headers["x-amz-target"] as string,
      "content-type": headers["content-type"]!,
    },
    body: new Uint8Array(body),
  };
  const { status, headers: answered, bytes } = await sendSigned(new URL("/", ENDPOINT), "dynamodb", sent, ROOT);
  return { status, headers: withoutHops(answered), bytes };
}

function isAboutMetadata(body: Buffer): boolean {
  const input = JSON.parse(body.toString()) as { TableName?: string; RequestItems?: Record<string, unknown> };
  return input.TableName === TABLE || Object.keys(input.RequestItems ?? {}).includes(TABLE);
}

/** On as it came, for the host that it was signed for. */
function pass(method: string, path: string, headers: http.IncomingHttpHeaders, body: Buffer): Promise<Passed> {
  const options = { hostname: ENDPOINT.hostname, port: ENDPOINT.port, method, path, headers, timeout: 30_000 };
  return new Promise((resolve, reject) => {
    const sent = (ENDPOINT.protocol === "https:" ? https : http).request(options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part)).on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode!, headers: withoutHops(response.headers), bytes: Buffer.concat(parts) }),
      );
    });
    sent.on("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", reject);
    sent.end(body);
  });
}

function withoutHops(headers: http.IncomingHttpHeaders): http.OutgoingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as { port: number };
const variables = { AWS_ENDPOINT_URL_DYNAMODB: `http://127.0.0.1:${port}` };
for (const { name, region } of others) {
  for (const lambda of LAMBDAS) await restartFunction(`${name}-${lambda}`, variables, region);
}
console.log(`the metadata of ${others.map(({ region }) => region).join(", ")} are those of ${first!.region}`);
