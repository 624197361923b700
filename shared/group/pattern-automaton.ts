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
/** How many sets of states are remembered; names that lead to more are gone through without. */
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
  readonly #beginning: StateSet;
  readonly #known = new Map<string, StateSet>();
  readonly #maxRemembered: number;
  /** The round in which a state was reached last. */
  readonly #reachedIn: Uint32Array;
  #round = 0;
  #nodes = 0;

  /** Errors: {@link PatternError} for a pattern that grows too large. */
  constructor(pattern: PatternNode, maxRemembered = MAX_REMEMBERED) {
    this.#maxRemembered = maxRemembered;
    const start = this.#build(pattern, 0);
    this.#reachedIn = new Uint32Array(this.#nfa.length);
    this.#beginning = this.#remembered(this.#closed([start], true, false));
  }

  matches(name: string): boolean {
    let set = this.#beginning;
    for (let at = 0; at < name.length; at++) {
      const code = name.charCodeAt(at);
      if (code >= 128 || set.states.length === 0) return false;
      let next = set.byLetter[code];
      if (next === undefined) {
        if (this.#known.size >= this.#maxRemembered) return this.#matchesFrom(set.states, name, at);
        next = this.#remembered(this.#step(set.states, code));
        set.byLetter[code] = next;
      }
      set = next;
    }
    set.accepts ??= this.#accepts(set.states, name);
    return set.accepts;
  }

  /** The rest of a name: what is remembered of others does not lead on, and to note a set takes longer than to make it. */
  #matchesFrom(from: readonly number[], name: string, begin: number): boolean {
    let states = from;
    for (let at = begin; at < name.length; at++) {
      const code = name.charCodeAt(at);
      if (code >= 128 || states.length === 0) return false;
      states = this.#step(states, code);
    }
    return this.#accepts(states, name);
  }

  #accepts(states: readonly number[], name: string): boolean {
    return this.#closed(states, name.length === 0, true).includes(0);
  }

  #step(states: readonly number[], code: number): number[] {
    const reached: number[] = [];
    for (const index of states) {
      const state = this.#nfa[index]!;
      if (state.kind === "letters" && state.set[code] === 1) reached.push(state.next);
    }
    return this.#closed(reached, false, false);
  }

  /** The states that are reached without another letter, each once; of splits, where they lead. Those that wait for the end stay in it. */
  #closed(from: readonly number[], isAtBegin: boolean, isAtEnd: boolean): number[] {
    const round = this.#nextRound();
    const reachedIn = this.#reachedIn;
    const todo = [...from];
    const states: number[] = [];
    for (let index = todo.pop(); index !== undefined; index = todo.pop()) {
      if (reachedIn[index] === round) continue;
      reachedIn[index] = round;
      const state = this.#nfa[index]!;
      if (state.kind === "split") {
        for (const next of state.next) if (reachedIn[next] !== round) todo.push(next);
        continue;
      }
      states.push(index);
      if ((state.kind === "begin" && isAtBegin) || (state.kind === "end" && isAtEnd)) todo.push(state.next);
    }
    return states;
  }

  #nextRound(): number {
    if (this.#round === 0xffff_ffff) this.#reachedIn.fill(0);
    this.#round = (this.#round % 0xffff_ffff) + 1;
    return this.#round;
  }

  #remembered(states: number[]): StateSet {
    states.sort((one, other) => one - other);
    const key = states.join();
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const set: StateSet = { states, byLetter: [], accepts: undefined };
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
