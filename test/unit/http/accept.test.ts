import { describe, expect, it } from "vitest";
import { negotiate } from "../../../shared/http/accept.ts";

const JSON_TYPE = "application/json";
const V2 = "application/vnd.kafka.v2+json";
const answered = (accept: string | undefined, offered = [V2, JSON_TYPE]) => negotiate(accept, offered);

describe("the Accept header", () => {
  it("gets the first of what is offered where it says nothing or anything", () => {
    for (const accept of [undefined, "", " ", "*/*", "application/*", "text/html, */*;q=0.1"]) {
      expect([accept, answered(accept)]).toEqual([accept, V2]);
    }
  });

  it("gets what it likes best", () => {
    expect(answered(`${V2};q=0.4, ${JSON_TYPE};q=0.5`)).toBe(JSON_TYPE);
    expect(answered(`${JSON_TYPE}, text/plain, */*`)).toBe(JSON_TYPE);
    expect(answered(`Application/JSON; charset=utf-8`)).toBe(JSON_TYPE);
    expect(answered(`application/*;q=0.9, ${V2};q=0.1`)).toBe(JSON_TYPE);
  });

  it("never gets what it rules out", () => {
    expect(answered(`${V2};q=0, */*`)).toBe(JSON_TYPE);
    for (const accept of [
      "text/html",
      `${JSON_TYPE};q=0`,
      `${JSON_TYPE};q=high`,
      ",,;q",
      `${JSON_TYPE};q=0, ${V2}; q=0.000`,
    ])
      expect(() => answered(accept), accept).toThrow("406");
  });
});
