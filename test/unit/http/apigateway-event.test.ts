import { describe, expect, it } from "vitest";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { originOfEvent, requestFromEvent, resultFromResponse } from "../../../shared/http/apigateway-event.ts";
import { dispatch } from "../../../shared/http/dispatch.ts";
import { memoryBroker } from "../../fixtures/broker.ts";

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
    expect((await dispatch(broker, request, originOfEvent(made))).status).toBe(200);
  });

  it("are answered with base64 where the body is bytes", () => {
    expect(resultFromResponse({ status: 200, headers: {}, body: new Uint8Array([0, 255]) })).toMatchObject({
      body: "AP8=",
      isBase64Encoded: true,
    });
  });
});
