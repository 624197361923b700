import { describe, expect, it } from "vitest";
import { dispatch, routesById } from "../../../shared/http/dispatch.ts";
import { FETCH_ROUTES } from "../../../shared/http/fetch-routes.ts";
import { PRODUCE_ROUTES } from "../../../shared/http/produce-routes.ts";
import type { Route } from "../../../shared/http/route.ts";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { atFirstUse } from "../../../shared/http/schema/at-first-use.ts";
import { check } from "../../../shared/http/schema/check.ts";
import { memoryBroker } from "../../fixtures/broker.ts";

describe("dispatch", () => {
  it("needs no query: every route's parameters may be left out, and then there is none", () => {
    for (const { operationId, query } of ROUTES)
      expect([operationId, check(query(), {}, "query parameter")]).toEqual([operationId, {}]);
  });
});

describe("a function with a part of the routes", () => {
  const ask = (routes: readonly Route[], method: string, path: string) => {
    const request = { method, path, query: new Map(), headers: new Map(), body: new Uint8Array() };
    return dispatch(memoryBroker(), routesById(routes), request, "http://127.0.0.1");
  };

  it("has all that are its own by the table, and no other's", () => {
    for (const [name, routes] of [["fetch", FETCH_ROUTES] as const, ["produce", PRODUCE_ROUTES] as const])
      expect(routes).toEqual(ROUTES.filter(({ lambda }) => lambda === name));
  });

  it("tells a method that a path does not have from a path that is nobody's, though the path is another's", async () => {
    const refused = await ask(PRODUCE_ROUTES, "POST", "/v3/clusters");
    expect([refused.status, refused.headers["allow"]]).toEqual([405, "GET, HEAD, OPTIONS"]);
    expect((await ask(PRODUCE_ROUTES, "POST", "/v3/nothing")).status).toBe(404);
    const options = await ask(FETCH_ROUTES, "OPTIONS", "/v3/clusters/x/topics/t/records");
    expect([options.status, options.headers["allow"]]).toEqual([204, "POST, OPTIONS"]);
  });

  it("names the function that a request is for, if somebody sends it past API Gateway", async () => {
    const { status, body } = await ask(PRODUCE_ROUTES, "GET", "/v3/clusters");
    expect([status, JSON.parse(String(body)).hint]).toEqual([404, "invoke the function fetch"]);
  });
});

describe("what is made at first use", () => {
  it("is made once, and not before", () => {
    let made = 0;
    const number = atFirstUse(() => ++made);
    const nothing = atFirstUse(() => {
      made++;
      return undefined;
    });
    expect(made).toBe(0);
    expect([number(), number(), made]).toEqual([1, 1, 1]);
    expect([nothing(), nothing(), made]).toEqual([undefined, undefined, 2]);
  });
});
