import { describe, expect, it } from "vitest";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { atFirstUse } from "../../../shared/http/schema/at-first-use.ts";
import { check } from "../../../shared/http/schema/check.ts";

describe("dispatch", () => {
  it("needs no query: every route's parameters may be left out, and then there is none", () => {
    for (const { operationId, query } of ROUTES)
      expect([operationId, check(query(), {}, "query parameter")]).toEqual([operationId, {}]);
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
