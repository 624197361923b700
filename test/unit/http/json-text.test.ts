import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseJson, parseRequest, splitObjects } from "../../../shared/http/json-text.ts";

describe("concatenated JSON", () => {
  it("is cut where one object ends, whatever stands in strings", () => {
    const objects = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 6 });
    fc.assert(
      fc.property(objects, fc.constantFrom("", " ", "\n", "\r\n\t", "\u001e"), (values, between) => {
        const texts = values.map((value) => JSON.stringify(value));
        expect(splitObjects(texts.join(between), 10)).toEqual(texts);
      }),
    );
  });
});

describe("numbers in JSON", () => {
  it("are written back as they came, whatever a double makes of them", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 25 });
    const number = fc
      .tuple(
        fc.constantFrom("", "-"),
        digits,
        fc.option(digits, { nil: "" }),
        fc.constantFrom("", "e5", "E-7", "e+400"),
      )
      .map(([sign, whole, fraction, exponent]) => {
        const plain = whole.replace(/^0+(?=\d)/, "");
        return `${sign}${plain}${fraction === "" ? "" : `.${fraction}`}${exponent}`;
      });
    fc.assert(
      fc.property(fc.array(number, { minLength: 1, maxLength: 4 }), fc.boolean(), (numbers, isBare) => {
        const text = isBare ? numbers[0]! : `{"a":[${numbers.join(",")}],"b":${numbers[0]}}`;
        expect(JSON.stringify(parseJson(text))).toBe(text);
      }),
      { numRuns: 2_000 },
    );
  });

  it("are a request's own numbers however they are written, but for what is stored", () => {
    const text = '{"partition":1.0,"list":[1e3,-0,{"at":2.50}],"data":{"a":1.0},"key":[1.0],"value":1.0}';
    const parsed = parseRequest(text);
    expect(parsed).toMatchObject({ partition: 1, list: [1_000, -0, { at: 2.5 }] });
    expect(JSON.stringify(parsed)).toContain('"data":{"a":1.0},"key":[1.0],"value":1.0');
    expect(parseRequest('{"partition":1,"data":2}')).toEqual({ partition: 1, data: 2 });
    expect((parseRequest('{"offset":1e400}') as { offset: number }).offset).toBe(Number.POSITIVE_INFINITY);
  });
});
