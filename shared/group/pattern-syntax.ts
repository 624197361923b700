/** A regular expression as a tree. Letters are those of topic names: ASCII, a set of them is 128 flags. */
export type PatternNode =
  | { readonly kind: "letters"; readonly set: Uint8Array }
  | { readonly kind: "begin" }
  | { readonly kind: "end" }
  | { readonly kind: "sequence"; readonly parts: readonly PatternNode[] }
  | { readonly kind: "choice"; readonly options: readonly PatternNode[] }
  /** `max` undefined: without end. */
  | { readonly kind: "repeat"; readonly part: PatternNode; readonly min: number; readonly max: number | undefined };

/** What is wrong with an expression, and where. */
export class PatternError extends Error {}

/** RE2's bound of `{n,m}`. */
const MAX_REPEAT = 1000;
const MAX_DEPTH = 100;
const LETTERS = 128;

const CLASSES: Readonly<Record<string, RegExp>> = { d: /[0-9]/, w: /[0-9A-Za-z_]/, s: /[\t\n\f\r ]/ };

/**
 * Reads an expression in RE2's syntax, as far as it can say anything about a topic's name: letters, `.`, classes, `\d \w \s` and
 * their opposites, groups, `|`, `* + ? {n,m}` (lazy ones match the same), `^ $ \A \z`, and `(?i)` at the beginning. Errors: {@link PatternError}.
 */
export function parsePattern(text: string): PatternNode {
  const isCaseless = text.startsWith("(?i)");
  let at = isCaseless ? 4 : 0;

  const fail = (what: string): never => {
    throw new PatternError(`${what} at position ${at}`);
  };
  const takeIf = (expected: string): boolean => {
    if (!text.startsWith(expected, at)) return false;
    at += expected.length;
    return true;
  };
  const next = (what: string): string => (at < text.length ? text[at++]! : fail(`${what} expected`));

  function choice(depth: number): PatternNode {
    if (depth > MAX_DEPTH) fail("groups are nested too deeply");
    const options = [sequence(depth)];
    while (takeIf("|")) options.push(sequence(depth));
    return options.length === 1 ? options[0]! : { kind: "choice", options };
  }

  function sequence(depth: number): PatternNode {
    const parts: PatternNode[] = [];
    while (at < text.length && text[at] !== "|" && text[at] !== ")") parts.push(repeated(atom(depth)));
    return parts.length === 1 ? parts[0]! : { kind: "sequence", parts };
  }

  function repeated(part: PatternNode): PatternNode {
    const bounds = repetition();
    if (bounds === undefined) return part;
    takeIf("?");
    if (repetition() !== undefined) fail("two repetitions in a row");
    return { kind: "repeat", part, ...bounds };
  }

  function repetition(): { min: number; max: number | undefined } | undefined {
    if (takeIf("*")) return { min: 0, max: undefined };
    if (takeIf("+")) return { min: 1, max: undefined };
    if (takeIf("?")) return { min: 0, max: 1 };
    const counted = /^\{(\d+)(,(\d*))?\}/.exec(text.slice(at));
    if (counted === null) return undefined;
    const min = Number(counted[1]);
    const max = counted[2] === undefined ? min : counted[3] === "" ? undefined : Number(counted[3]);
    if (min > MAX_REPEAT || (max ?? 0) > MAX_REPEAT || (max !== undefined && max < min)) fail("a bad repetition");
    at += counted[0].length;
    return { min, max };
  }

  function atom(depth: number): PatternNode {
    if (takeIf("^") || takeIf("\\A")) return { kind: "begin" };
    if (takeIf("$") || takeIf("\\z")) return { kind: "end" };
    if (takeIf("(")) {
      if (takeIf("?") && !takeIf(":")) {
        const name = /^P?<[A-Za-z_]\w*>/.exec(text.slice(at, at + 64));
        if (name === null) fail("only (?: ) and named groups may begin with (?, and (?i) the expression");
        else at += name[0].length;
      }
      const inside = choice(depth + 1);
      if (!takeIf(")")) fail(") expected");
      return inside;
    }
    if (takeIf("[")) return letters(bracketed());
    if (takeIf(".")) return letters(() => true);
    if (takeIf("\\")) return letters(escaped());
    const letter = next("a letter");
    if ("*+?".includes(letter)) fail(`nothing to repeat before ${letter}`);
    return letters((each) => each === letter);
  }

  function escaped(): (letter: string) => boolean {
    const letter = next("a letter after \\");
    const members = CLASSES[letter.toLowerCase()];
    if (members !== undefined) return (each) => members.test(each) === (letter === letter.toLowerCase());
    if (/[0-9A-Za-z]/.test(letter)) fail(`\\${letter} is not known here`);
    return (each) => each === letter;
  }

  function bracketed(): (letter: string) => boolean {
    const isNegated = takeIf("^");
    const tests: ((letter: string) => boolean)[] = [];
    do {
      tests.push(bracketPart());
    } while (!takeIf("]"));
    return (each) => tests.some((test) => test(each)) !== isNegated;
  }

  function bracketPart(): (letter: string) => boolean {
    if (text.startsWith("[:", at)) fail("[: :] is not known here");
    if (takeIf("\\")) {
      const test = escaped();
      if (text[at] === "-" && text[at + 1] !== "]") fail("a range cannot begin with an escape");
      return test;
    }
    const from = next("]");
    if (text[at] !== "-" || text[at + 1] === "]" || at + 1 >= text.length) return (each) => each === from;
    at++;
    if (text[at] === "\\") fail("a range cannot end with an escape");
    const to = next("]");
    if (to < from) fail("a range that runs backwards");
    return (each) => each >= from && each <= to;
  }

  function letters(test: (letter: string) => boolean): PatternNode {
    const set = new Uint8Array(LETTERS);
    for (let code = 0; code < LETTERS; code++) {
      const letter = String.fromCharCode(code);
      const matches = isCaseless ? test(letter.toLowerCase()) || test(letter.toUpperCase()) : test(letter);
      set[code] = matches ? 1 : 0;
    }
    return { kind: "letters", set };
  }

  const whole = choice(0);
  if (at < text.length) fail("a ) without its (");
  return whole;
}
