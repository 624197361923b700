/**
 * Names one partition's log: `topicId#partition`. The topic's id and not its name, so that a topic recreated under a
 * name is a new log.
 */
export type LogKey = `${string}#${number}`;

export function logKey(topicId: string, partition: number): LogKey {
  return `${topicId}#${partition}`;
}

export function partitionOf(log: LogKey): { readonly topicId: string; readonly partition: number } {
  const at = log.lastIndexOf("#");
  return { topicId: log.slice(0, at), partition: Number(log.slice(at + 1)) };
}

/** Where the RecordBatches of a large item lie in the segment store. */
export interface ObjectPointer {
  readonly key: string;
  readonly sizeInBytes: number;
}

/** What the fold needs to know of one idempotent producer's batch. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Milliseconds since the epoch: the batch's maxTimestamp. */
  readonly timestamp: number;
}

/**
 * The RecordBatches of an item: inline, or in the segment store. Batches in the segment store were written before
 * their offset was known, so their baseOffsets count from 0 and the reader rebases them.
 */
export type ItemPayload =
  | { readonly kind: "inline"; readonly batches: Uint8Array }
  | {
      readonly kind: "object";
      readonly object: ObjectPointer;
      /** Idempotent batches among them, at their final offsets: the fold must not have to read the object. */
      readonly producerBatches: readonly ProducerBatch[];
    }
  /** The topic was deleted: nothing is ever appended behind this item (docs/adr/0004-deleted-topics.md). */
  | { readonly kind: "end-of-log" };

/**
 * One item of a log: what one append wrote by one conditional put. It takes the slot `baseOffset`.
 * (baseOffset, leaderEpoch) identifies an item; see the chain rule in chain.ts.
 */
export interface LogItem {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly recordCount: number;
  /** Largest record timestamp in this item, in milliseconds since the epoch. */
  readonly maxTimestamp: number;
  /** Largest record timestamp in the log up to and with this item: never falls, so a timestamp is found by bisection. */
  readonly maxTimestampSoFar: number;
  /** Epoch of the leader that created the item; immutable. */
  readonly leaderEpoch: number;
  /** Starts as leaderEpoch; raised by sealing and by replication. */
  readonly stamp: number;
  /** leaderEpoch of the item before it (the link); NO_EPOCH for the first item of a log. */
  readonly prevEpoch: number;
  /** Tells a retry of one's own write from somebody else's. 16 random bytes in base64url. */
  readonly appendId: string;
  readonly payload: ItemPayload;
  /**
   * Of a barrier alone, which begins its epoch (REPLICATION.md, 3): the brokers that writers of the epoch wait for. Its
   * payload is a control batch.
   */
  readonly waitFor?: readonly number[];
  /**
   * What the writer knew to be committed when it appended, in a log of several replicas: true for good, so that a reader need
   * not verify what lies below it.
   */
  readonly highWatermark?: number;
  /** Seconds since the epoch, DynamoDB's TTL; absent: kept. */
  readonly expiresAt?: number;
}

/** Which item it is, and which writing of it: an item is never changed but in its stamp. */
export type ItemVersion = Pick<LogItem, "leaderEpoch" | "appendId" | "stamp">;

export const NO_EPOCH = -1;
