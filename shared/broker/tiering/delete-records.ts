import { ok, type Result, refused } from "../../kafka/result.ts";
import { logKey } from "../../log/log-item.ts";
import { retentionTerms } from "../../log/retention-terms.ts";
import type { Broker } from "../broker.ts";
import { followLeader } from "../follow-leader.ts";
import { locateTopic, unknownPartition } from "../locate-partition.ts";
import { committedEnd } from "./committed-end.ts";
import { moveLogStart } from "./move-log-start.ts";
import { allSegments, canKeepLogs, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

/** Stands for the highWatermark: all records there are. */
export const ALL_RECORDS = -1;

export interface DeleteRecordsRequest {
  readonly topic: string;
  readonly partition: number;
  /** Records below it are deleted; ALL_RECORDS: all that are committed. */
  readonly beforeOffset: number;
}

/** `lowWatermark`: logStartOffset as it is then. */
export interface DeletedRecords {
  readonly lowWatermark: number;
}

/**
 * Deletes the records of a partition below an offset: Kafka's DeleteRecords. They are out of range at once, and removed by the upkeep. Where the
 * log begins further up already nothing is done. Refusals: UNKNOWN_TOPIC_OR_PARTITION; OFFSET_OUT_OF_RANGE above the highWatermark;
 * POLICY_VIOLATION for a topic that is compacted only. Errors: KafkaError of a store.
 */
export function deleteRecords(broker: Broker, request: DeleteRecordsRequest): Promise<Result<DeletedRecords>> {
  return followLeader(broker, request.topic, async () => {
    if (!canKeepLogs(broker)) throw new Error("segments are registered nowhere: no log's start can move");
    broker.topics.invalidate(request.topic);
    const topic = await locateTopic(broker, request.topic);
    if (!topic.ok) return topic;
    const { item, partitions } = topic.value;
    const registration = partitions[request.partition];
    if (registration === undefined) return unknownPartition(request.topic, request.partition, item.partitionCount);
    const log = logKey(item.topicId, request.partition);
    const terms = retentionTerms(item.configs);
    return deleteFrom(broker, { log, topicName: item.name, registration, terms, untilMs: broker.clock.now() }, request);
  });
}

async function deleteFrom(
  broker: UpkeepBroker,
  of: UpkeepLog,
  { topic, beforeOffset }: DeleteRecordsRequest,
): Promise<Result<DeletedRecords>> {
  const { registration, terms } = of;
  if (!terms.isDeleted && terms.isCompacted) {
    return refused(
      "POLICY_VIOLATION",
      `records of ${JSON.stringify(topic)} are not deleted: its cleanup.policy is compact`,
      'set cleanup.policy to "compact,delete", or delete a key by a record without a value',
    );
  }
  const { highWatermark } = await committedEnd(broker, of);
  const offset = beforeOffset === ALL_RECORDS ? highWatermark : beforeOffset;
  if (offset > highWatermark) {
    const message = `offset ${offset} is above the highWatermark, which is ${highWatermark}`;
    return refused("OFFSET_OUT_OF_RANGE", message, "use -1 to delete all records");
  }
  const { logStartOffset } = await moveLogStart(broker, of, offset, () => allSegments(broker, of.log));
  if (logStartOffset < Math.max(offset, registration.logStartOffset)) {
    return refused("NOT_LEADER_OR_FOLLOWER", "another leads by now", "try again");
  }
  broker.upkeepBell.ringAnyway(registration.leader);
  return ok({ lowWatermark: logStartOffset });
}
