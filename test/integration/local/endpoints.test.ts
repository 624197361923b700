import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startTables } from "../../fixtures/dynamodb.ts";
import { processesOf, runMain, temporaryFolder } from "../../fixtures/service.ts";

/** What the service says of stores that the user runs, when something is wrong with them. */
let data: ReturnType<typeof temporaryFolder>;
const servers: Server[] = [];
beforeEach(() => {
  data = temporaryFolder();
});
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
  data.remove();
});

async function serve(status: number, body: string): Promise<string> {
  const server = createServer((_request, response) => response.writeHead(status).end(body));
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function complaint(env: Record<string, string>): Promise<[number | null, string[]]> {
  const { code, stderr } = await runMain(["--port", "0", "--data", data.path], env);
  expect(processesOf(data.path)).toEqual([]);
  return [code, stderr.trim().split("\n")];
}

describe("an endpoint given to the local service", () => {
  it("that is no URL is refused in one line", async () => {
    expect(await complaint({ AWS_ENDPOINT_URL: "localhost" })).toEqual([
      1,
      [expect.stringMatching(/^millrace: AWS_ENDPOINT_URL is not a URL/)],
    ]);
  });

  it("that nobody listens at is named in one line, without the password in it", async () => {
    expect(await complaint({ AWS_ENDPOINT_URL: "http://someone:secret@127.0.0.1:9" })).toEqual([
      1,
      [expect.stringMatching(/^millrace: DynamoDB at http:\/\/127.0.0.1:9 does not answer as it should: (?!.*secret)/)],
    ]);
  });

  it("whose S3 refuses is not passed over: segments may be in it", async () => {
    const dynamoDb = await startTables();
    const s3 = await serve(403, "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>");
    const env = { AWS_ENDPOINT_URL: dynamoDb.endpoint, AWS_ENDPOINT_URL_S3: s3 };
    expect(await complaint(env)).toEqual([1, [`millrace: S3 at ${s3} does not answer as it should: Access Denied`]]);
    await dynamoDb.stop();
  });
});
