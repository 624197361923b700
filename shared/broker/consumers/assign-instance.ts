import { partitionKey } from "../../group/partitions-by-topic.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import type { NamedPartition } from "../groups/named-partitions.ts";
import type { PollPosition } from "../groups/poll.ts";
import { changeInstance } from "./change-instance.ts";
import { findInstance } from "./find-instance.ts";
import { type InstanceCall, type InstanceName, type InstanceState, isSubscribed } from "./instance.ts";
import { type InstanceResult, mutuallyExclusive } from "./instance-refusal.ts";
import { commitHandedOut } from "./instance-turn.ts";
import { knownPartitions } from "./known-partitions.ts";
import { unsubscribe } from "./subscribe-instance.ts";

/**
 * Assigns partitions by hand, in place of those assigned before: what is in both goes on where it is. The instance is no member of its group, and
 * shares with nobody. To assign none is to unsubscribe. Refusals: illegal-state, topic-not-found, partition-not-found; INVALID_REQUEST.
 */
export async function assign(
  broker: Broker,
  call: InstanceCall,
  partitions: readonly NamedPartition[],
): Promise<InstanceResult<void>> {
  if (partitions.length === 0) return unsubscribe(broker, call);
  return changeInstance(broker, call, async (instance, receivedAt): Promise<InstanceResult<Partial<InstanceState>>> => {
    if (isSubscribed(instance)) return mutuallyExclusive();
    const known = await knownPartitions(broker, partitions);
    if (!known.ok) return known;
    const { positions } = await commitHandedOut(broker, instance, receivedAt);
    const before = new Map(positions.map((each) => [partitionKey(each), each]));
    return ok({
      consumes: { kind: "partitions" },
      positions: known.value.map(({ topic, topicId, partition }): PollPosition => {
        return before.get(partitionKey({ topicId, partition })) ?? { topic, topicId, partition };
      }),
    });
  });
}

/** What the instance has now: assigned by hand, or by its group as far as its last poll was told. By topic and partition. */
export async function assignmentOf(broker: Broker, name: InstanceName): Promise<InstanceResult<NamedPartition[]>> {
  const found = await findInstance(broker, name);
  if (!found.ok) return found;
  const partitions = found.value.positions.map(({ topic, partition }) => ({ topic, partition }));
  return ok(
    partitions.sort((one, other) =>
      one.topic === other.topic ? one.partition - other.partition : one.topic < other.topic ? -1 : 1,
    ),
  );
}
