import { MAX_PARTITIONS_PER_TOPIC } from "../kafka/limits.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import type { Broker } from "./broker.ts";
import { readRegistration } from "./change-partition.ts";
import { changeTopic } from "./change-topic.ts";
import { describeTopic } from "./describe-topic.ts";
import { newRegistrations } from "./new-registrations.ts";
import type { TopicDescription } from "./topic-description.ts";
import { untilKnown } from "./until-known.ts";

export interface CreatePartitionsRequest {
  readonly topic: string;
  /** Partitions the topic shall have: more than it has now. */
  readonly totalCount: number;
  readonly validateOnly?: boolean;
}

/** Adds partitions to a topic. Errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_PARTITIONS: a topic never gets fewer. */
export async function createPartitions(
  broker: Broker,
  { topic, totalCount, validateOnly }: CreatePartitionsRequest,
): Promise<Result<TopicDescription>> {
  if (!Number.isInteger(totalCount) || totalCount < 1 || totalCount > MAX_PARTITIONS_PER_TOPIC) {
    return refused("INVALID_PARTITIONS", `a topic has 1 to ${MAX_PARTITIONS_PER_TOPIC} partitions, not ${totalCount}`);
  }
  const changed = await changeTopic(broker, topic, async (item) => {
    if (totalCount <= item.partitionCount) {
      return refused(
        "INVALID_PARTITIONS",
        `topic "${topic}" has ${item.partitionCount} partitions already; ${totalCount} is not more`,
      );
    }
    if (validateOnly) return ok(item);
    const { topicId, partitionCount, replicationFactor } = item;
    const first = await readRegistration(broker, topicId, 0);
    const added = newRegistrations({
      topicId,
      from: partitionCount,
      to: totalCount,
      replicationFactor,
      brokerCount: broker.regions.length,
      firstBroker: first?.replicas[0] ?? 1,
    });
    await untilKnown(broker, "creating partitions", () => broker.metadataStore.createPartitions(added));
    return ok({ ...item, partitionCount: totalCount });
  });
  return changed.ok ? describeTopic(broker, topic) : changed;
}
