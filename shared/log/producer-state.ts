import { NO_PRODUCER_ID } from "../record/batch-header.ts";
import { batchHeaders } from "../record/read-batch-header.ts";
import type { LogItem, ProducerBatch } from "./log-item.ts";

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

/** By producerId, the producer that appended longest ago first. */
export type ProducerStates = ReadonlyMap<number, ProducerState>;

/** As Kafka's ProducerStateEntry: a producer may have five requests in flight. */
export const BATCHES_KEPT = 5;

/**
 * Producers remembered per partition. Past it the one that appended longest ago is forgotten, as Kafka forgets one
 * after producer.id.expiration.ms; by count, so that the state is a function of the log and of nothing else.
 */
export const PRODUCERS_KEPT = 4096;

/** The idempotent batches of an item, at their final offsets. */
export function producerBatchesOf(item: LogItem): readonly ProducerBatch[] {
  if (item.payload.kind === "object") return item.payload.producerBatches;
  if (item.payload.kind === "end-of-log") return [];
  const found: ProducerBatch[] = [];
  for (const { header } of batchHeaders(item.payload.batches)) {
    if (header.producerId === NO_PRODUCER_ID || header.isControl) continue;
    found.push({
      producerId: header.producerId,
      producerEpoch: header.producerEpoch,
      baseSequence: header.baseSequence,
      lastSequence: header.lastSequence,
      baseOffset: header.baseOffset,
      lastOffset: header.lastOffset,
      timestamp: header.maxTimestamp,
    });
  }
  return found;
}

/** The states after `batches` were appended. The given map stays as it was. */
export function foldProducerBatches(states: ProducerStates, batches: readonly ProducerBatch[]): ProducerStates {
  if (batches.length === 0) return states;
  const next = new Map(states);
  for (const { producerId, producerEpoch, ...batch } of batches) {
    const known = next.get(producerId);
    const earlier = known !== undefined && known.producerEpoch === producerEpoch ? known.batches : [];
    // Deleted first, so that the map's order is the order of the last append.
    next.delete(producerId);
    next.set(producerId, { producerId, producerEpoch, batches: [...earlier, batch].slice(-BATCHES_KEPT) });
  }
  for (const oldest of next.keys()) {
    if (next.size <= PRODUCERS_KEPT) break;
    next.delete(oldest);
  }
  return next;
}
