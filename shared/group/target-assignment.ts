import { createHash } from "node:crypto";
import { ASSIGNOR_OF, type AssignableTopic } from "./assignors/assignor.ts";
import type { SubscribableTopic } from "./decision.ts";
import type { TargetAssignment, TargetMember } from "./group.ts";
import { ASSIGNORS, type AssignorName, MAX_GROUP_PARTITIONS, MAX_GROUP_TOPICS } from "./group-config.ts";
import type { ConsumerMember } from "./member.ts";
import { NO_PARTITIONS } from "./partitions-by-topic.ts";
import { topicResolver } from "./subscription.ts";

/** Which of `topics` the members subscribe to. */
export function subscribedTopics(
  members: readonly ConsumerMember[],
  topics: ReadonlyMap<string, SubscribableTopic>,
): readonly SubscribableTopic[] {
  const resolve = topicResolver(topics);
  const found = new Map(members.flatMap(resolve).map((topic) => [topic.topicId, topic]));
  return [...found.values()].sort((one, other) => (one.topicId < other.topicId ? -1 : 1));
}

/** Whether it is more than a group may have. */
export function isTooMuch(topics: readonly SubscribableTopic[]): boolean {
  return withinBounds(topics).length < topics.length;
}

/** As many of the topics as a group may have, in the order given. */
export function withinBounds(topics: readonly SubscribableTopic[]): readonly SubscribableTopic[] {
  let partitions = 0;
  const end = topics.findIndex(({ partitionCount }, index) => {
    partitions += partitionCount;
    return index >= MAX_GROUP_TOPICS || partitions > MAX_GROUP_PARTITIONS;
  });
  return end < 0 ? topics : topics.slice(0, end);
}

/** Differs whenever a topic came, went, or has another number of partitions. */
export function topicsDigest(topics: readonly SubscribableTopic[]): string {
  const hash = createHash("sha256");
  for (const { topicId, partitionCount } of topics) hash.update(`${topicId}:${partitionCount};`);
  return hash.digest("base64url").slice(0, 22);
}

/**
 * Every partition of the topics that members subscribe to, shared out among them. `before`: the last target assignment, of which
 * each keeps what it can. Topics beyond the bounds of a group go to nobody: they can only have come after the members that match them.
 */
export function computeTarget(
  epoch: number,
  members: readonly ConsumerMember[],
  topics: ReadonlyMap<string, SubscribableTopic>,
  before: TargetAssignment | undefined,
): TargetAssignment {
  const resolve = topicResolver(topics);
  const subscribed = withinBounds(subscribedTopics(members, topics));
  const included = new Set(subscribed.map(({ topicId }) => topicId));
  const assignor = preferredAssignor(members);
  const assignment = ASSIGNOR_OF[assignor]({
    members: members.map((member) => ({
      memberId: member.memberId,
      ...(member.instanceId === undefined ? {} : { instanceId: member.instanceId }),
      ...(member.rackId === undefined ? {} : { rackId: member.rackId }),
      topicIds: resolve(member).flatMap(({ topicId }) => (included.has(topicId) ? [topicId] : [])),
      assigned: before?.members[member.memberId]?.partitions ?? NO_PARTITIONS,
    })),
    topics: subscribed.map(assignable),
  });
  const entries = members.map(({ memberId, subscriptionId }): [string, TargetMember] => [
    memberId,
    { subscriptionId, partitions: assignment.get(memberId) ?? NO_PARTITIONS },
  ]);
  return {
    epoch,
    assignor,
    topics: subscribed.map(({ topicId, name, partitionCount }) => ({ topicId, name, partitionCount })),
    members: Object.fromEntries(entries.sort(([one], [other]) => (one < other ? -1 : 1))),
  };
}

function assignable({ topicId, partitionCount, partitionRacks }: SubscribableTopic): AssignableTopic {
  return partitionRacks === undefined ? { topicId, partitionCount } : { topicId, partitionCount, partitionRacks };
}

/** What most members ask for, as in Kafka; the first of the list where they are even, or do not ask. */
export function preferredAssignor(members: readonly Pick<ConsumerMember, "serverAssignor">[]): AssignorName {
  const votes = ASSIGNORS.map((name) => members.filter(({ serverAssignor }) => serverAssignor === name).length);
  return ASSIGNORS[votes.indexOf(Math.max(...votes))]!;
}
