import { ok, type Result, refused } from "../kafka/result.ts";
import { type Acks, appendToPartition, type ProduceRefusal } from "./append-to-partition.ts";
import type { Broker } from "./broker.ts";
import { beforeDeadline, locatePartition } from "./locate-partition.ts";
import { prepareBatches } from "./prepare-batches.ts";

export interface ProduceBatchesRequest {
  readonly topic: string;
  readonly partition: number;
  /** One or more whole RecordBatches v2; appended together or not at all. An idempotent producer's stands alone. */
  readonly batches: Uint8Array;
  readonly acks: Acks;
  readonly timeoutMs: number;
  /** Append only if logEndOffset is this. */
  readonly expectedOffset?: number;
  /** The item's: 16 bytes in base64url, by which the append can be found in the log. Random unless told. */
  readonly appendId?: string;
}

export interface ProducedBatches {
  readonly partition: number;
  /** -1 with acks=0. */
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Milliseconds since the epoch; -1 unless message.timestamp.type is LogAppendTime. */
  readonly logAppendTime: number;
  readonly logStartOffset: number;
  /** The batch was in the log already, at these offsets. */
  readonly isDuplicate: boolean;
}

/** Produces RecordBatches as they are, compression kept: Kafka's Produce for one partition. */
export async function produceBatches(
  broker: Broker,
  request: ProduceBatchesRequest,
): Promise<Result<ProducedBatches, ProduceRefusal>> {
  const begunAt = broker.clock.now();
  const deadline = begunAt + request.timeoutMs;
  // Once more if the topic turns out to be deleted: it may have been created anew under its name.
  for (let attempt = 1; attempt <= 2; attempt++) {
    const locating = locatePartition(broker, request.topic, request.partition);
    const located = await beforeDeadline(broker, deadline, locating);
    if (!located.ok) return located;
    const { topic, registration } = located.value;
    const prepared = prepareBatches(request, topic.config, broker.clock.now());
    if (!prepared.ok) return prepared;
    const { acks, appendId } = request;
    const terms = { acks, deadline, yieldsOnConflict: false, ...(appendId === undefined ? {} : { appendId }) };
    const appended = await appendToPartition(broker, located.value, prepared.value.append, terms);
    if (!appended.ok) return appended;
    if (appended.value.kind === "appended") {
      if (request.acks !== 0) broker.metrics.duration("ProduceLatency", broker.clock.now() - begunAt);
      const { baseOffset, lastOffset, isDuplicate } = appended.value;
      const { partition, logStartOffset } = registration;
      const { logAppendTime } = prepared.value;
      return ok({ partition, baseOffset, lastOffset, logAppendTime, logStartOffset, isDuplicate });
    }
    broker.topics.invalidate(request.topic);
  }
  return refused("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(request.topic)} was deleted`);
}
