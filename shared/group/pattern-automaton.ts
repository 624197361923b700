import { PatternError, type PatternNode } from "./pattern-syntax.ts";

type NfaState =
  | { readonly kind: "letters"; readonly set: Uint8Array; readonly next: number }
  | { readonly kind: "split"; readonly next: readonly number[] }
  | { readonly kind: "begin" | "end"; readonly next: number }
  | { readonly kind: "match" };

/** What a pattern may grow to when its counted repetitions are written out. */
const MAX_STATES = 2_000;
/** Repetitions of nothing make no states, but take their time. */
const MAX_NODES = 20_000;
/** How many sets of states are remembered before all are forgotten. */
const MAX_REMEMBERED = 1_000;

/** The states that a name has led to, and where each letter leads on from there: made when first met. */
interface StateSet {
  readonly states: readonly number[];
  readonly byLetter: (StateSet | undefined)[];
  accepts: boolean | undefined;
}

/** Matches whole names in time linear in their length: it follows all ways at once, and never goes back. */
export class PatternAutomaton {
  readonly #nfa: NfaState[] = [{ kind: "match" }];
  readonly #start: number;
  #known = new Map<string, StateSet>();
  #nodes = 0;

  /** Errors: {@link PatternError} for a pattern that grows too large. */
  constructor(pattern: PatternNode) {
    this.#start = this.#build(pattern, 0);
  }

  matches(name: string): boolean {
    let set = this.#closed([this.#start], true, false);
    for (let at = 0; at < name.length; at++) {
      const code = name.charCodeAt(at);
      if (code >= 128 || set.states.length === 0) return false;
      const next = set.byLetter[code] ?? this.#step(set, code);
      set.byLetter[code] = next;
      set = next;
    }
    set.accepts ??= this.#closed(set.states, name.length === 0, true).states.includes(0);
    return set.accepts;
  }

  #step(set: StateSet, code: number): StateSet {
    const reached: number[] = [];
    for (const index of set.states) {
      const state = this.#nfa[index]!;
      if (state.kind === "letters" && state.set[code] === 1) reached.push(state.next);
    }
    return this.#closed(reached, false, false);
  }

  /** The states that are reached without another letter. Those that wait for the end stay in it. */
  #closed(from: readonly number[], isAtBegin: boolean, isAtEnd: boolean): StateSet {
    const seen = new Set<number>();
    const todo = [...from];
    for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
      if (seen.has(index)) continue;
      seen.add(index);
      const state = this.#nfa[index]!;
      if (state.kind === "split") todo.push(...state.next);
      if ((state.kind === "begin" && isAtBegin) || (state.kind === "end" && isAtEnd)) todo.push(state.next);
    }
    const states = [...seen].sort((one, other) => one - other);
    const key = states.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const set: StateSet = { states, byLetter: [], accepts: undefined };
    if (this.#known.size >= MAX_REMEMBERED) this.#known = new Map();
    this.#known.set(key, set);
    return set;
  }

  /** Adds the states of a node that leads on to `next`; answers its first. */
  #build(node: PatternNode, next: number): number {
    if (++this.#nodes > MAX_NODES) throw tooLarge();
    switch (node.kind) {
      case "letters":
        return this.#add({ kind: "letters", set: node.set, next });
      case "begin":
      case "end":
        return this.#add({ kind: node.kind, next });
      case "sequence":
        return node.parts.reduceRight((after, part) => this.#build(part, after), next);
      case "choice":
        return this.#add({ kind: "split", next: node.options.map((option) => this.#build(option, next)) });
      case "repeat":
        return this.#repeat(node.part, node.min, node.max, next);
    }
  }

  #repeat(part: PatternNode, min: number, max: number | undefined, next: number): number {
    let after = next;
    if (max === undefined) {
      const loop = this.#add({ kind: "split", next: [] });
      this.#nfa[loop] = { kind: "split", next: [this.#build(part, loop), next] };
      after = loop;
    }
    for (let count = min; count < (max ?? min); count++) {
      after = this.#add({ kind: "split", next: [this.#build(part, after), next] });
    }
    for (let count = 0; count < min; count++) after = this.#build(part, after);
    return after;
  }

  #add(state: NfaState): number {
    if (this.#nfa.length >= MAX_STATES) throw tooLarge();
    return this.#nfa.push(state) - 1;
  }
}

function tooLarge(): PatternError {
  return new PatternError("it is too large once its repetitions are written out");
}
