import { ok, type Result, refused } from "../kafka/result.ts";
import type { TimestampType } from "../record/batch-header.ts";
import { type Acks, appendToPartition, type ProduceRefusal } from "./append-to-partition.ts";
import { assignPartitions, type PartitionShare, type RecordToProduce } from "./assign-partitions.ts";
import type { Broker } from "./broker.ts";
import { encodeRecords, type ProducerSequence, recordRefusal } from "./encode-records.ts";
import { beforeDeadline, locateTopic } from "./locate-partition.ts";
import type { CachedTopic } from "./topic-cache.ts";

export interface ProduceRecordsRequest {
  readonly topic: string;
  readonly records: readonly RecordToProduce[];
  readonly acks: Acks;
  readonly timeoutMs: number;
  /** Idempotent: all records must name one and the same partition. */
  readonly producer?: ProducerSequence;
  /** Append only if logEndOffset is this; all records must name one and the same partition. */
  readonly expectedOffset?: number;
}

export interface ProducedRecord {
  readonly partition: number;
  /** -1 with acks=0. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
  readonly timestampType: TimestampType;
}

export type RecordResult = Result<ProducedRecord, ProduceRefusal>;

/** How often records without a key move to another partition because theirs is contended. */
const MAX_MOVES = 3;

/**
 * Produces records: shares them out over partitions, makes RecordBatches of them, and answers for each in the order of
 * the request. Records of one partition are appended together or not at all.
 */
export async function produceRecords(
  broker: Broker,
  request: ProduceRecordsRequest,
): Promise<Result<{ readonly results: readonly RecordResult[] }, ProduceRefusal>> {
  const begunAt = broker.clock.now();
  const needsOnePartition = request.producer !== undefined || request.expectedOffset !== undefined;
  const partitions = new Set(request.records.map(({ partition }) => partition));
  if (needsOnePartition && (partitions.size !== 1 || partitions.has(undefined))) {
    return refused(
      "INVALID_REQUEST",
      "an idempotent or conditional produce is for one partition",
      "name the same partition in every record",
    );
  }
  const deadline = begunAt + request.timeoutMs;
  const located = await beforeDeadline(broker, deadline, locateTopic(broker, request.topic));
  if (!located.ok) return located;
  let topic = located.value;
  if (request.records.some(({ partition }) => partition !== undefined && topic.partitions[partition] === undefined)) {
    topic = (await beforeDeadline(broker, deadline, broker.topics.refresh(request.topic))) ?? topic;
  }
  const produce = new RecordProduce(broker, request, topic, deadline);
  await produce.run();
  const isAppended = request.acks !== 0 && produce.results.some((result) => result.ok);
  if (isAppended) broker.metrics.duration("ProduceLatency", broker.clock.now() - begunAt);
  return ok({ results: produce.results });
}

class RecordProduce {
  readonly results: RecordResult[] = [];
  readonly #broker: Broker;
  readonly #request: ProduceRecordsRequest;
  readonly #now: number;
  readonly #deadline: number;
  #topic: CachedTopic;

  constructor(broker: Broker, request: ProduceRecordsRequest, topic: CachedTopic, deadline: number) {
    this.#broker = broker;
    this.#deadline = deadline;
    this.#request = request;
    this.#now = broker.clock.now();
    this.#topic = topic;
  }

  async run(): Promise<void> {
    let left = this.#acceptable();
    for (let moves = 0; left.length > 0; moves++) {
      const shares = assignPartitions(this.#broker, this.#topic, this.#request.records, left, (index, refusal) => {
        this.results[index] = { ok: false, refusal };
      });
      const mayMove = moves < MAX_MOVES && this.#topic.item.partitionCount > 1 && this.#request.acks !== 0;
      const unplaced = await Promise.all(shares.map((share) => this.#append(share, mayMove && share.isSticky)));
      left = unplaced.flat();
      if (moves > MAX_MOVES) break;
    }
    for (const index of left) this.results[index] = topicGone(this.#request.topic);
  }

  #acceptable(): number[] {
    const { records, producer } = this.#request;
    const refusals = records.map((record) => recordRefusal(record, this.#topic.config, this.#now));
    // An idempotent batch is a run of sequences: one record less would make it another batch.
    const whole = producer === undefined ? undefined : refusals.find((refusal) => refusal !== undefined);
    return records.flatMap((_, index) => {
      const refusal = whole ?? refusals[index];
      if (refusal === undefined) return [index];
      this.results[index] = { ok: false, refusal };
      return [];
    });
  }

  /** Appends one share. Answers the indexes that must be shared out again. */
  async #append(share: PartitionShare, yieldsOnConflict: boolean): Promise<number[]> {
    const { records, acks } = this.#request;
    const { item, config, partitions } = this.#topic;
    const registration = partitions[share.partition]!;
    const own = share.indexes.map((index) => records[index]!);
    const encoded = encodeRecords(own, config, this.#now, this.#request);
    if (!encoded.ok) return this.#refuseAll(share, encoded);
    const terms = { acks, deadline: this.#deadline, yieldsOnConflict };
    const appended = await appendToPartition(this.#broker, { topic: this.#topic, registration }, encoded.value, terms);
    if (!appended.ok) return this.#refuseAll(share, appended);
    if (appended.value.kind === "yielded") {
      this.#broker.sticky.moveFrom(item.topicId, item.partitionCount, share.partition);
      return share.indexes;
    }
    if (appended.value.kind === "ended") {
      this.#broker.topics.invalidate(this.#request.topic);
      const reading = this.#broker.topics.get(this.#request.topic);
      const again = await beforeDeadline(this.#broker, this.#deadline, reading);
      if (again === undefined) return this.#refuseAll(share, topicGone(this.#request.topic));
      this.#topic = again;
      return share.indexes;
    }
    const timestampType = config.messageTimestampType;
    for (const [place, index] of share.indexes.entries()) {
      this.results[index] = ok({
        partition: share.partition,
        offset: appended.value.baseOffset < 0 ? -1 : appended.value.baseOffset + place,
        timestamp: timestampType === "LogAppendTime" ? this.#now : (records[index]!.timestamp ?? this.#now),
        timestampType,
      });
    }
    return [];
  }

  #refuseAll(share: PartitionShare, refusal: RecordResult & { readonly ok: false }): number[] {
    for (const index of share.indexes) this.results[index] = refusal;
    return [];
  }
}

function topicGone(name: string): RecordResult & { readonly ok: false } {
  return refused("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(name)} was deleted`);
}
