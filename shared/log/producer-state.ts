/** One of a producer's last batches: enough to answer a duplicate with the offset it was given. */
export interface AppendedBatch {
  readonly baseSequence: number;
  readonly lastSequence: number;
  readonly baseOffset: number;
  readonly lastOffset: number;
  /** Milliseconds since the epoch. */
  readonly timestamp: number;
}

/** What the log knows of one idempotent producer. */
export interface ProducerState {
  readonly producerId: number;
  readonly producerEpoch: number;
  /** The last batches in order of offset, at most {@link BATCHES_KEPT}. */
  readonly batches: readonly AppendedBatch[];
}

/** As Kafka's ProducerStateEntry: a producer may have five requests in flight. */
export const BATCHES_KEPT = 5;
