import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { APIGatewayProxyEvent } from "aws-lambda";
import { afterEach, describe, expect, it } from "vitest";
import type { InvocationContext } from "../../../lambdas/invocation-context.ts";
import { type Handler, type HttpServer, startHttpServer } from "../../../local/http-server.ts";
import { MAX_REQUEST_BYTES } from "../../../shared/kafka/limits.ts";

const BATCHES = "application/vnd.millrace.record-batches";
const open: HttpServer[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.close()));
});

async function serve(handler: Handler, maxConcurrent?: number): Promise<HttpServer> {
  const server = await startHttpServer(
    "127.0.0.1",
    0,
    { produce: handler, fetch: handler, coordinator: handler },
    maxConcurrent,
  );
  open.push(server);
  return server;
}

/** Answers what it was given, as JSON. */
const echo: Handler = async (event) => ({ statusCode: 200, headers: {}, body: JSON.stringify(event) });

/** Resolves when a handler is at work, and lets it answer when told. */
function heldHandler() {
  const entered: InvocationContext[] = [];
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const handler: Handler = async (_event, context) => {
    entered.push(context);
    await released;
    return { statusCode: 200, headers: {}, body: "held" };
  };
  return { handler, release, entered, atWork: (count: number) => until(() => entered.length >= count) };
}

async function until(holds: () => boolean): Promise<void> {
  for (let tries = 0; !holds(); tries++) {
    if (tries > 500) throw new Error("it never came to be");
    await sleep(10);
  }
}

/** Sends bytes as they are and answers all that comes back until the connection ends. */
function raw({ url }: HttpServer, text: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1", () => socket.write(text));
    let received = "";
    socket.on("data", (part) => {
      received += part;
    });
    socket.on("error", () => {});
    socket.on("close", () => resolve(received));
  });
}

describe("the local HTTP server", () => {
  it("tells when a request was taken in, and not when its body had come", async () => {
    const server = await serve(echo);
    const socket = connect(Number(new URL(server.url).port), "127.0.0.1");
    let received = "";
    socket.on("data", (part) => {
      received += part;
    });
    const before = Date.now();
    socket.write("POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{");
    await sleep(100);
    const bodyCame = Date.now();
    socket.write("}");
    await once(socket, "close");
    const event = JSON.parse(received.slice(received.indexOf("\r\n\r\n"))) as APIGatewayProxyEvent;
    expect(event.requestContext.requestTimeEpoch).toBeGreaterThanOrEqual(before);
    expect(event.requestContext.requestTimeEpoch).toBeLessThan(bodyCame);
  });

  it("makes the event that API Gateway's REST API would", async () => {
    const { url } = await serve(echo);
    const response = await fetch(`${url}/topics/a%2Fb?x=1&x=2&__proto__=3`, {
      method: "POST",
      headers: [
        ["Content-Type", "application/json"],
        ["X-Twice", "one"],
      ],
      body: '{"grüße":1}',
    });
    const event = (await response.json()) as APIGatewayProxyEvent;
    expect(event).toMatchObject({
      httpMethod: "POST",
      path: "/topics/a%2Fb",
      queryStringParameters: { x: "2" },
      multiValueQueryStringParameters: { x: ["1", "2"] },
      headers: { "content-type": "application/json", "x-twice": "one", "x-forwarded-proto": "http" },
      multiValueHeaders: { "x-twice": ["one"] },
      requestContext: { stage: "local", identity: { sourceIp: "127.0.0.1" } },
      body: Buffer.from('{"grüße":1}').toString("base64"),
      isBase64Encoded: true,
    });
    expect(Object.keys(event.multiValueQueryStringParameters!)).toContain("__proto__");
    expect(event.requestContext.requestId).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("keeps every value of a header, and takes a whole URL as its target", async () => {
    const server = await serve(echo);
    const answer = await raw(
      server,
      "GET http://elsewhere/health?a=1 HTTP/1.1\r\nhost: x\r\nx-twice: 1\r\nX-Twice: 2\r\nconnection: close\r\n\r\n",
    );
    const event = JSON.parse(answer.slice(answer.indexOf("{")));
    expect(event).toMatchObject({ path: "/health", multiValueHeaders: { "x-twice": ["1", "2"] }, body: null });
    expect(event.multiValueQueryStringParameters).toEqual({ a: ["1"] });
  });

  it("carries every body in base64, as API Gateway does, and back", async () => {
    const bytes = Buffer.from([0, 255, 254, 128, 10]);
    const { url } = await serve(async ({ body, isBase64Encoded }) => ({
      statusCode: 200,
      headers: { "x-encoded": String(isBase64Encoded) },
      body: body!,
      isBase64Encoded: true,
    }));
    for (const type of [`${BATCHES}; v=1`, "application/json", "text/plain"]) {
      const response = await fetch(url, { method: "POST", headers: { "content-type": type }, body: bytes });
      expect([type, response.headers.get("x-encoded")]).toEqual([type, "true"]);
      expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
    }
  });

  it("makes an event that Lambda takes of the largest body with the longest headers, and no more of a larger one", async () => {
    const handled: number[] = [];
    const { url } = await serve(async (event) => {
      // Headers that API Gateway adds, and an authorizer's context.
      handled.push(Buffer.byteLength(JSON.stringify(event)) + 16 * 1024);
      return { statusCode: 200, headers: {}, body: "" };
    });
    const post = (bytes: number) =>
      fetch(url, { method: "POST", headers: { "x-long": "x".repeat(10_000) }, body: Buffer.alloc(bytes, "\u0000") });
    expect((await post(MAX_REQUEST_BYTES)).status).toBe(200);
    expect(handled[0]).toBeLessThan(6_291_456);
    const refused = await post(MAX_REQUEST_BYTES + 1);
    expect([refused.status, handled.length]).toEqual([413, 1]);
    expect(await refused.json()).toMatchObject({ hint: "send fewer records at a time" });
  });

  it("answers 503 while as many requests are at work as may be, and takes more afterwards", async () => {
    const held = heldHandler();
    const { url } = await serve(held.handler, 2);
    const first = [fetch(url), fetch(url)];
    await held.atWork(2);
    const refused = await fetch(url);
    expect([refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect(await refused.json()).toMatchObject({ error_code: 50302 });
    held.release();
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200]);
    await sleep(20);
    expect((await fetch(url)).status).toBe(200);
  });

  it("tells the handler that its client went away, and how much time it has", async () => {
    const held = heldHandler();
    const { url } = await serve(held.handler);
    const client = new AbortController();
    const request = fetch(url, { signal: client.signal }).catch(() => "gone");
    await held.atWork(1);
    const { signal, getRemainingTimeInMillis } = held.entered[0]!;
    expect(getRemainingTimeInMillis!()).toBeGreaterThan(20_000);
    expect(signal!.aborted).toBe(false);
    client.abort();
    await until(() => signal!.aborted);
    expect(await request).toBe("gone");
    held.release();
  });

  it("answers the requests at work when it closes, after telling them, and takes no more", async () => {
    const held = heldHandler();
    const server = await startHttpServer("127.0.0.1", 0, {
      produce: held.handler,
      fetch: held.handler,
      coordinator: held.handler,
    });
    const request = fetch(server.url);
    await held.atWork(1);
    const closed = server.close();
    await until(() => held.entered[0]!.signal!.aborted);
    await expect(fetch(server.url)).rejects.toThrow();
    held.release();
    const response = await request;
    expect([response.status, response.headers.get("connection")]).toEqual([200, "close"]);
    await closed;
  });

  it("answers 502 for a function that throws", async () => {
    const { url } = await serve(() => Promise.reject(new Error("a defect")));
    const response = await fetch(url);
    expect([response.status, await response.json()]).toMatchObject([502, { error_code: 50002 }]);
  });

  it("asks a client that waits for 100 Continue for its body only when it may come", async () => {
    const server = await serve(echo);
    const head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\n";
    expect(await raw(server, `${head}content-length: 99999999\r\n\r\n`)).toMatch(/^HTTP\/1.1 413 .*"hint"/s);
    expect(await raw(server, `${head}content-length: 2\r\n\r\n{}`)).toMatch(/^HTTP\/1.1 100 .*HTTP\/1.1 200 /s);
  });
});
