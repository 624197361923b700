import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { topicNameRefusal } from "../kafka/topic-name.ts";
import type { SubscribableTopic } from "./decision.ts";
import { MAX_SUBSCRIBED_TOPICS, MAX_SUBSCRIPTION_BYTES } from "./group-config.ts";
import type { ConsumerMember } from "./member.ts";
import { compileTopicPattern } from "./topic-pattern.ts";

export type Subscription = Pick<ConsumerMember, "subscribedTopicNames" | "subscribedTopicRegex">;

/** Why nobody can subscribe to that: INVALID_REQUEST, INVALID_TOPIC_EXCEPTION, INVALID_REGULAR_EXPRESSION. */
export function subscriptionRefusal(
  names: readonly string[] | undefined,
  pattern: string | undefined,
): Refusal | undefined {
  if (names !== undefined) {
    if (names.length > MAX_SUBSCRIBED_TOPICS) {
      return refuse(
        "INVALID_REQUEST",
        `a member subscribes to at most ${MAX_SUBSCRIBED_TOPICS} topics by name, not ${names.length}`,
        "use a regular expression (subscribedTopicRegex)",
      );
    }
    for (const name of names) {
      const refusal = topicNameRefusal(name);
      if (refusal !== undefined) return refusal;
    }
    if (names.reduce((sum, { length }) => sum + length, 0) > MAX_SUBSCRIPTION_BYTES) {
      return refuse("INVALID_REQUEST", `the names of a subscription have at most ${MAX_SUBSCRIPTION_BYTES} bytes`);
    }
  }
  if (pattern === undefined || pattern === "") return undefined;
  const compiled = compileTopicPattern(pattern);
  return compiled.ok ? undefined : compiled.refusal;
}

/** The names, ascending and each once. */
export function sortedNames(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort();
}

/** What has to be known of topics to tell what members subscribe to. */
export function neededTopics(members: readonly Subscription[]): { readonly names: string[]; readonly all: boolean } {
  return {
    names: [...new Set(members.flatMap(({ subscribedTopicNames }) => subscribedTopicNames))].sort(),
    all: members.some(({ subscribedTopicRegex }) => subscribedTopicRegex !== undefined),
  };
}

/** Finds the topics of one subscription after the other; equal ones are looked up once. */
export function topicResolver(
  topics: ReadonlyMap<string, SubscribableTopic>,
): (subscription: Subscription) => readonly SubscribableTopic[] {
  const found = new Map<string, readonly SubscribableTopic[]>();
  const matching = new Map<string, readonly string[]>();
  const matches = (pattern: string) => {
    const known = matching.get(pattern);
    if (known !== undefined) return known;
    const compiled = compileTopicPattern(pattern);
    // Patterns are checked before they are kept: one that is not valid any more matches nothing.
    const names = compiled.ok ? [...topics.keys()].filter((name) => compiled.value.matches(name)) : [];
    matching.set(pattern, names);
    return names;
  };
  return ({ subscribedTopicNames, subscribedTopicRegex }) => {
    const key = JSON.stringify([subscribedTopicNames, subscribedTopicRegex]);
    const known = found.get(key);
    if (known !== undefined) return known;
    const names = new Set(subscribedTopicNames);
    if (subscribedTopicRegex !== undefined) for (const name of matches(subscribedTopicRegex)) names.add(name);
    const resolved = [...names].sort().flatMap((name) => topics.get(name) ?? []);
    found.set(key, resolved);
    return resolved;
  };
}
