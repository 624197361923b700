import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { changePartition } from "../change-partition.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { keepCheckpoints } from "./keep-checkpoints.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

/**
 * Moves logStartOffset up to `offset`, which lies at or below the highWatermark; never back. Readers go by it at once, here, and elsewhere when
 * their cached registration is read again; what lies below is deleted by later runs of the upkeep. Answers the registration as it is
 * then: it stays where it was if another leads by now. Errors: KafkaError of a store.
 */
export async function moveLogStart(
  broker: UpkeepBroker,
  of: UpkeepLog,
  offset: number,
  segments: () => Promise<readonly SegmentMetadata[]>,
): Promise<PartitionRegistration> {
  const { topicId, partition, leaderEpoch, logStartOffset } = of.registration;
  if (offset <= logStartOffset) return of.registration;
  await keepCheckpoints(broker, of, offset, segments);
  const moved = await changePartition(broker, topicId, partition, (current) =>
    // What is committed in one epoch stays in the next, but not after an unclean election.
    current.leaderEpoch !== leaderEpoch || current.logStartOffset >= offset
      ? undefined
      : { ...current, logStartOffset: offset },
  );
  broker.topics.invalidate(of.topicName);
  return moved;
}
