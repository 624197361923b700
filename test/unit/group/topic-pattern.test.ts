import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { PatternAutomaton } from "../../../shared/group/pattern-automaton.ts";
import { parsePattern } from "../../../shared/group/pattern-syntax.ts";
import { compileTopicPattern } from "../../../shared/group/topic-pattern.ts";

/** One that remembers next to nothing: it goes through a name's letters without, as it does with the worst of patterns. */
function matchesUnremembered(pattern: string, topic: string): boolean {
  return new PatternAutomaton(parsePattern(pattern), 1).matches(topic);
}

function matches(pattern: string, topic: string): boolean {
  const compiled = compileTopicPattern(pattern);
  if (!compiled.ok) throw new Error(compiled.refusal.message);
  return compiled.value.matches(topic);
}

describe("a subscription's regular expression", () => {
  it.each([
    ["orders", ["orders"], ["orders-eu", "my-orders", "order"]],
    ["orders-.*", ["orders-", "orders-eu"], ["orders", "x-orders-eu"]],
    ["^orders-[a-z]{2}$", ["orders-eu"], ["orders-e1", "orders-eur"]],
    ["(eu|us)\\.(orders|invoices)", ["eu.orders", "us.invoices"], ["eu-orders", "eu.order"]],
    ["t[0-9]+", ["t0", "t123"], ["t", "ta"]],
    ["t\\d*\\.?\\w{2,3}", ["tab", "t12.abc"], ["t.a", "t12.abcd"]],
    ["[^_.].*", ["a", "-a"], ["_a", ".a"]],
    ["(?i)ORDERS", ["orders", "Orders"], ["order"]],
    ["(?:a|b)(?P<rest>c)?", ["a", "bc"], ["c", "abc"]],
    ["a+?b*?c??", ["ab", "aac"], ["bc"]],
    ["x{2}y{1,}", ["xxy", "xxyyy"], ["xy", "xxxy"]],
    ["[\\w-]+", ["a-b_c"], ["a.b"]],
    ["[]a]+", ["a"], ["b"]],
    ["(|a)b", ["b", "ab"], ["a"]],
    ["a{,2}", [], ["a", "aa"]],
  ])("%s matches what RE2 matches, whole names only", (pattern, yes, no) => {
    expect(yes.filter((topic) => !matches(pattern, topic))).toEqual([]);
    expect(no.filter((topic) => matches(pattern, topic))).toEqual([]);
  });

  it.each([
    "(",
    ")",
    "a)",
    "[a",
    "[z-a]",
    "*a",
    "a**",
    "a{2,1}",
    "a{1001}",
    "a{1000000}",
    "a{00000000000000000000001,99999999999999}",
    "\\",
    "\\1",
    "\\b",
    "(?=a)",
    "(?<!a)",
    "[[:alpha:]]",
    "a{1000}{1000}",
    "(a{1000}){1000}",
    "((((){1000}){1000}){1000}){1000}",
    `${"(".repeat(150)}a${")".repeat(150)}`,
    "a".repeat(1_001),
  ])("is refused where it is none, or more than topics need (%#)", (pattern) => {
    expect(compileTopicPattern(pattern)).toMatchObject({ ok: false, refusal: { code: "INVALID_REGULAR_EXPRESSION" } });
  });

  it("agrees with the engine of JavaScript on expressions that both know", () => {
    const atom = fc.constantFrom("a", "b", ".", "[ab]", "[^a]", "\\d", "\\.", "-", "(?:a|bc)", "(a.|b)", "^", "$");
    const repetition = fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{1,2}");
    const piece = fc.tuple(atom, repetition).map(([part, times]) => ("^$".includes(part) ? part : part + times));
    const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
    const patterns = fc.array(pattern, { minLength: 1, maxLength: 3 }).map((options) => options.join("|"));
    const name = fc
      .array(fc.constantFrom("a", "b", "c", "1", ".", "-"), { maxLength: 7 })
      .map((letters) => letters.join(""));
    fc.assert(
      fc.property(patterns, name, (text, topic) => {
        const isMatch = new RegExp(`^(?:${text})$`).test(topic);
        expect([text, topic, matches(text, topic)]).toEqual([text, topic, isMatch]);
        expect([text, topic, matchesUnremembered(text, topic)]).toEqual([text, topic, isMatch]);
      }),
      { numRuns: 2_000 },
    );
  });

  it("is matched without going back: what takes other engines for ever takes as many steps as there are letters", () => {
    expect(matches("(a*)*b", "a".repeat(249))).toBe(false);
    expect(matches("(a|a)*(a|a)*(a|a)*x", "a".repeat(249))).toBe(false);
    expect(matches("(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^a]", "a".repeat(249))).toBe(false);
    expect(matches(".*a.{200}", "a".repeat(249))).toBe(true);
  });

  it("takes note of no more than it can make use of, whatever the names", () => {
    let seed = 1;
    const letter = () => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % 2 === 0 ? "a" : "b";
    };
    const names = Array.from({ length: 20 }, () => Array.from({ length: 249 }, letter).join(""));
    // Each letter leads to another of 2^40 sets of its 800 states: with a note of each, a thousand such names took a process a minute.
    const sorts = vi.spyOn(Array.prototype, "sort");
    const compiled = compileTopicPattern("(.*a.{0,40}){20}");
    const never = compileTopicPattern("(.*a.{0,40}){20}-");
    expect(compiled.ok && names.every((name) => compiled.value.matches(name))).toBe(true);
    expect(never.ok && names.some((name) => never.value.matches(name))).toBe(false);
    const notes = sorts.mock.calls.length;
    sorts.mockRestore();
    expect(notes).toBeLessThanOrEqual(2 * 1_000 + 100);
  });
});
