import { classicMembers } from "./classic-review.ts";
import { subscribedTopicNames } from "./consumer-protocol.ts";
import type { Group } from "./group.ts";
import type { MemberWithSession } from "./member.ts";
import { metadataOf } from "./protocol-selection.ts";
import { consumerMembers } from "./review.ts";
import { compileTopicPattern, type TopicPattern } from "./topic-pattern.ts";

/** Tells whether anybody in the group subscribes to a topic, by name; undefined: members speak a protocol of their own. */
export function groupSubscription(
  group: Group,
  members: readonly MemberWithSession[],
): ((topic: string) => boolean) | undefined {
  const names = new Set<string>();
  const patterns: TopicPattern[] = [];
  for (const member of consumerMembers(members)) {
    for (const name of member.subscribedTopicNames) names.add(name);
    const compiled =
      member.subscribedTopicRegex === undefined ? undefined : compileTopicPattern(member.subscribedTopicRegex);
    if (compiled?.ok) patterns.push(compiled.value);
  }
  for (const member of classicMembers(members)) {
    if (group.type !== "classic" || group.protocolType !== "consumer") return undefined;
    const metadata = metadataOf(member, group.protocolName ?? member.protocols[0]?.name ?? "");
    const subscribed = subscribedTopicNames(metadata);
    if (subscribed === undefined) return undefined;
    for (const name of subscribed) names.add(name);
  }
  return (topic) => names.has(topic) || patterns.some((pattern) => pattern.matches(topic));
}
