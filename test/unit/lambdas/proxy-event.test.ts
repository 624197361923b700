import { beforeEach, describe, expect, it, vi } from "vitest";
import { httpHandler } from "../../../lambdas/http-handler.ts";
import { FETCH_ROUTES } from "../../../shared/http/fetch-routes.ts";
import { memoryBroker } from "../../fixtures/broker.ts";

const opened = vi.hoisted(() => ({ brokers: 0 }));
vi.mock("../../../lambdas/process-broker.ts", () => ({
  processBroker: () => {
    opened.brokers++;
    return memoryBroker();
  },
}));
beforeEach(() => {
  opened.brokers = 0;
  vi.spyOn(process.stderr, "write").mockImplementation(() => true);
});

const handler = httpHandler(FETCH_ROUTES);

const HEALTH = { httpMethod: "GET", path: "/health", requestContext: {} };

describe("an event that a function gets", () => {
  it("is answered with 400 and a hint if it is none of API Gateway's REST API", async () => {
    const others = [
      undefined,
      null,
      "event",
      7,
      [],
      {},
      { key1: "value1" },
      // An HTTP API's, or a function URL's: payload format 2.0.
      { version: "2.0", rawPath: "/health", requestContext: { http: { method: "GET", path: "/health" } } },
      // A schedule's.
      { source: "aws.events", "detail-type": "Scheduled Event", detail: {} },
      { ...HEALTH, requestContext: undefined },
      { ...HEALTH, path: 7 },
      { ...HEALTH, body: {} },
      { ...HEALTH, headers: "host: x" },
      { ...HEALTH, headers: { host: 7 } },
      { ...HEALTH, multiValueHeaders: { host: "x" } },
      { ...HEALTH, multiValueQueryStringParameters: { a: [1] } },
    ];
    for (const event of others) {
      const { statusCode, body } = await handler(event);
      expect([event, statusCode]).toEqual([event, 400]);
      expect(JSON.parse(body)).toEqual({
        error_code: 400,
        message: "the event is none of API Gateway's REST API",
        hint: expect.stringContaining('"httpMethod":"GET"'),
      });
    }
    expect(opened.brokers).toBe(0);
  });

  it("is answered as it asks if it is the one of the hint, or has nothing where nothing is sent", async () => {
    const hint = JSON.parse((await handler({})).body).hint as string;
    for (const event of [
      JSON.parse(hint.slice(hint.indexOf("{"))),
      HEALTH,
      { ...HEALTH, headers: null, multiValueHeaders: null, queryStringParameters: null, body: null },
      { ...HEALTH, headers: { host: undefined }, body: "" },
    ]) {
      expect([event, (await handler(event)).statusCode]).toEqual([event, 200]);
    }
  });
});
