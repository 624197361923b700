import { describe, expect, it } from "vitest";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../../../shared/http/apigateway-event.ts";
import { dispatch } from "../../../shared/http/dispatch.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { ALL_ROUTES } from "../../fixtures/http.ts";

describe("API Gateway's events", () => {
  const event = (change: object) =>
    ({
      httpMethod: "POST",
      path: "/x",
      headers: { Host: "abc.execute-api.us-east-1.amazonaws.com", "Content-Type": "a/b" },
      multiValueQueryStringParameters: { a: ["1", "2"] },
      body: null,
      isBase64Encoded: false,
      requestContext: { stage: "prod" },
      ...change,
    }) as unknown as Parameters<typeof requestFromEvent>[0];

  it("become requests, binary bodies decoded", () => {
    const request = requestFromEvent(event({ body: "AP8=", isBase64Encoded: true }));
    expect([...request.body]).toEqual([0, 255]);
    expect([request.headers.get("content-type"), request.query.get("a")]).toEqual(["a/b", ["1", "2"]]);
    expect(originOfEvent(event({}))).toBe("https://abc.execute-api.us-east-1.amazonaws.com/prod");
  });

  it("have lists in headers that come several times, and what there is of query and headers", () => {
    const request = requestFromEvent(
      event({
        headers: { Accept: "text/html" },
        multiValueHeaders: { Accept: ["application/json", "text/html"] },
        multiValueQueryStringParameters: null,
        queryStringParameters: { offset: "1" },
      }),
    );
    expect([request.headers.get("accept"), request.query.get("offset")]).toEqual([
      "application/json, text/html",
      ["1"],
    ]);
  });

  it("tell when API Gateway took them in, which is never later than now, and not what nobody can believe", () => {
    const now = 1_700_000_000_000;
    const arrival = (requestTimeEpoch: unknown) =>
      requestFromEvent(event({ requestContext: { stage: "prod", requestTimeEpoch } }), { now }).receivedAt;
    expect(arrival(now - 20_000)).toBe(now - 20_000);
    // By another clock.
    expect(arrival(now + 40)).toBe(now);
    // AWS's example of an event; one in seconds, as an emulator has it; none; none at all.
    for (const given of [1428582896000, now / 1_000, undefined, null, String(now), Number.NaN, now - 0.5]) {
      expect(arrival(given)).toBeUndefined();
    }
    expect(requestFromEvent(event({ requestContext: { stage: "prod", requestTimeEpoch: now } })).receivedAt).toBe(
      undefined,
    );
  });

  it("never bring a host into links that is none", async () => {
    const origin = (host: string, proto = "http") =>
      originOfEvent(event({ headers: { Host: host, "X-Forwarded-Proto": proto } }));
    expect(origin("127.0.0.1:8082")).toBe("http://127.0.0.1:8082");
    expect(origin("[::1]:8082", "https")).toBe("https://[::1]:8082");
    for (const host of ["[bad", "a b", "x/y", "", "h:99999", 'evil"', "a@b", "1.2.3.400"]) {
      expect([host, origin(host)]).toEqual([host, "http://localhost"]);
    }
    expect(origin("h", "javascript")).toBe("https://h");
    const broker = memoryBroker();
    const { clusterId } = await describeCluster(broker);
    const made = event({ httpMethod: "GET", path: `/v3/clusters/${clusterId}/brokers`, headers: { Host: "[" } });
    const request = requestFromEvent(event({ ...made, multiValueQueryStringParameters: null }));
    expect((await dispatch(broker, ALL_ROUTES, request, originOfEvent(made))).status).toBe(200);
  });

  it("keep their paths percent-encoded, and what an emulator has decoded is encoded again", () => {
    const path = (given: string) => requestFromEvent(event({ path: given })).path;
    const encoded = ["/a%2Fb/c", "/100%25", "/a%20b", "/%E2%82%AC", "/x+y@z", "/a/b:alter", "/-/configs", "//", "/"];
    for (const given of encoded) expect(path(given)).toBe(given);
    expect(path("/a b")).toBe("/a%20b");
    expect(path("/100%")).toBe("/100%25");
    expect(path("/what?#\u20ac")).toBe("/what%3F%23%E2%82%AC");
    expect(path("/\ud800")).toBe("/%EF%BF%BD");
  });

  it("are decoded once, whoever encoded the path", async () => {
    const broker = memoryBroker();
    const { clusterId } = await describeCluster(broker);
    const message = async (name: string) => {
      const made = event({ httpMethod: "GET", path: `/v3/clusters/${clusterId}/topics/t/configs/${name}`, body: null });
      await topicOf(broker, "t").catch(() => undefined);
      const { body } = await dispatch(
        broker,
        ALL_ROUTES,
        requestFromEvent({ ...made, multiValueQueryStringParameters: null }),
        "",
      );
      return JSON.parse(String(body)).message;
    };
    expect(await message("a%2Fb")).toBe("Config a/b cannot be found.");
    expect(await message("a%252Fb")).toBe("Config a%2Fb cannot be found.");
    expect(await message("a%20b")).toBe("Config a b cannot be found.");
    expect(await message("a b")).toBe("Config a b cannot be found.");
    expect(await message("50%")).toBe("Config 50% cannot be found.");
  });

  it("have the base path of a custom domain before the path, where links have it too", () => {
    const placed = (path: string, proxy: string | null, host = "kafka.example.com") => {
      const made = event({
        path,
        headers: { Host: host },
        pathParameters: proxy === null ? null : { proxy },
        requestContext: { stage: "prod" },
      });
      return [originOfEvent(made), requestFromEvent(made).path];
    };
    const origin = "https://kafka.example.com";
    expect(placed("/v3/clusters", "v3/clusters")).toEqual([origin, "/v3/clusters"]);
    expect(placed("/base/v3/clusters", "v3/clusters")).toEqual([`${origin}/base`, "/v3/clusters"]);
    expect(placed("/base/path/v3/a%2Fb", "v3/a%2Fb")).toEqual([`${origin}/base/path`, "/v3/a%2Fb"]);
    expect(placed("/base/topics/", "topics")).toEqual([`${origin}/base`, "/topics/"]);
    expect(placed("/topics/topics", "topics/topics")).toEqual([origin, "/topics/topics"]);
    expect(placed("/topics", "topics")).toEqual([origin, "/topics"]);
    expect(placed("/", null)).toEqual([origin, "/"]);
    const root = event({ resource: "/", path: "/base", headers: { Host: "kafka.example.com" }, pathParameters: null });
    expect([originOfEvent(root), requestFromEvent(root).path]).toEqual([`${origin}/base`, "/"]);
    // Not of one request: the path has the say.
    for (const proxy of ["other", "clusters/x", ""]) {
      expect(placed("/v3/clusters", proxy)).toEqual([origin, "/v3/clusters"]);
    }
    expect(placed("/v3", "v3", "abc.execute-api.eu-west-1.amazonaws.com")).toEqual([
      "https://abc.execute-api.eu-west-1.amazonaws.com/prod",
      "/v3",
    ]);
  });

  it("tell a base path from a resource that has a greedy one below it, as the coordinator's routes are deployed", () => {
    const placed = (resource: string, path: string, pathParameters: object | null) => {
      const made = event({ resource, path, pathParameters, headers: { Host: "kafka.example.com" } });
      return [originOfEvent(made), requestFromEvent(made).path];
    };
    const origin = "https://kafka.example.com";
    const consumers = { proxy: "g/instances/a%2Fb/records" };
    const path = "/consumers/g/instances/a%2Fb/records";
    expect(placed("/consumers/{proxy+}", path, consumers)).toEqual([origin, path]);
    expect(placed("/consumers/{proxy+}", `/base${path}`, consumers)).toEqual([`${origin}/base`, path]);
    expect(placed("/consumers", "/base/consumers", null)).toEqual([`${origin}/base`, "/consumers"]);
    const groups = "/v3/clusters/{cluster_id}/consumer-groups";
    const poll = { cluster_id: "c1", proxy: "g/poll" };
    expect(placed(`${groups}/{proxy+}`, "/v3/clusters/c1/consumer-groups/g/poll", poll)).toEqual([
      origin,
      "/v3/clusters/c1/consumer-groups/g/poll",
    ]);
    expect(placed(groups, "/base/v3/clusters/c1/consumer-groups/", { cluster_id: "c1" })).toEqual([
      `${origin}/base`,
      "/v3/clusters/c1/consumer-groups/",
    ]);
  });

  it("take a HEAD request for one without a body", async () => {
    const made = event({ httpMethod: "HEAD", path: "/", body: null, multiValueQueryStringParameters: null });
    expect(requestFromEvent(made).body).toHaveLength(0);
    expect((await dispatch(memoryBroker(), ALL_ROUTES, requestFromEvent(made), "http://x")).status).toBe(200);
  });

  it("are answered with base64 where the body is bytes, or a long text", () => {
    expect(resultFromResponse({ status: 200, headers: {}, body: new Uint8Array([0, 255]) })).toMatchObject({
      body: "AP8=",
      isBase64Encoded: true,
    });
    const short = resultFromResponse({ status: 200, headers: {}, body: '{"a":"\u20ac"}' });
    expect([short.body, short.isBase64Encoded]).toEqual(['{"a":"\u20ac"}', false]);
    const text = '"\u20ac\\\r\n'.repeat(100_000);
    const long = resultFromResponse({ status: 200, headers: {}, body: text });
    expect(long.isBase64Encoded).toBe(true);
    expect(Buffer.from(long.body, "base64").toString()).toBe(text);
    expect(JSON.stringify(long).length).toBeLessThan((Buffer.byteLength(text) * 4) / 3 + 200);
  });
});
