import { ok, type Result, refused } from "../kafka/result.ts";
import { PatternAutomaton } from "./pattern-automaton.ts";
import { PatternError, parsePattern } from "./pattern-syntax.ts";

/** Bytes that a heartbeat brings, and an item keeps. */
const MAX_LENGTH = 1_000;

/** A regular expression that whole topic names are matched with. */
export interface TopicPattern {
  matches(topic: string): boolean;
}

/**
 * `subscribedTopicRegex`. Kafka takes RE2's syntax (KIP-848); so does this, as far as it can say anything about topic names, and like RE2
 * it matches in linear time: no pattern hangs. Errors: INVALID_REGULAR_EXPRESSION.
 */
export function compileTopicPattern(text: string): Result<TopicPattern> {
  if (text.length > MAX_LENGTH) return invalid(`a regular expression has at most ${MAX_LENGTH} characters`);
  try {
    return ok(new PatternAutomaton(parsePattern(text)));
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return invalid(`"${text}" is no regular expression for topics: ${error.message}`);
  }
}

function invalid(message: string) {
  return refused("INVALID_REGULAR_EXPRESSION", message, "RE2's syntax; look-around and back-references are not in it");
}
