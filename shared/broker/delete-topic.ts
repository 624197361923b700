import { ok, type Result } from "../kafka/result.ts";
import type { Broker } from "./broker.ts";
import { unknownTopic } from "./locate-partition.ts";
import { sealLog } from "./seal-log.ts";
import { untilKnown } from "./until-known.ts";

const SEALS_AT_ONCE = 16;

/**
 * Deletes a topic: it is gone at once, its items are removed in the background (remove-deleted-topics.ts). The work
 * to do is written down before the topic's item goes, so that a crash anywhere leaves nothing behind for good.
 * Errors: UNKNOWN_TOPIC_OR_PARTITION.
 */
export async function deleteTopic(broker: Broker, name: string): Promise<Result<void>> {
  const { metadataStore } = broker;
  const item = await untilKnown(broker, "reading the topic", () => metadataStore.getTopic(name));
  if (item === undefined) return unknownTopic(name);
  const { topicId, partitionCount } = item;
  const deleted = { topicId, name, partitionCount, deletedAt: broker.clock.now() };
  await untilKnown(broker, "noting the deletion", () => metadataStore.putDeletedTopic(deleted));
  // False where somebody else deleted it just now, or this did and its answer was lost: it is gone either way.
  await untilKnown(broker, "deleting the topic", () => metadataStore.deleteTopic(name, topicId));
  broker.topics.invalidate(name);
  await sealLogs(broker, topicId, partitionCount);
  return ok(undefined);
}

/** Seals all logs of a deleted topic. What fails is left to the background work, which seals again. */
export async function sealLogs(broker: Broker, topicId: string, partitionCount: number): Promise<void> {
  for (let from = 0; from < partitionCount; from += SEALS_AT_ONCE) {
    const count = Math.min(SEALS_AT_ONCE, partitionCount - from);
    const seals = Array.from({ length: count }, (_, index) => sealLog(broker, topicId, from + index));
    for (const seal of await Promise.allSettled(seals)) {
      if (seal.status === "fulfilled") continue;
      broker.logger.warn("a deleted topic's log is not sealed yet", { topicId }, seal.reason);
    }
  }
}
