import { KafkaError } from "../kafka/kafka-error.ts";
import type { BatchHeader } from "../record/batch-header.ts";
import { NO_PRODUCER_ID } from "../record/batch-header.ts";
import { deleteHorizonOf, emptyBatch, filterBatch } from "../record/filter-batch.ts";
import { batchHeaders, verifyCrc } from "../record/read-batch-header.ts";
import { RecordReader } from "../record/record-reader.ts";
import type { OffsetMap } from "./compact-offset-map.ts";
import type { SegmentBuilder } from "./segment/segment-builder.ts";
import { wholeBatches } from "./segment/whole-batches.ts";

/** A stretch of a segment as it is read: chunks of its `.log` from a batch's begin on, cut anywhere. */
export interface CompactionSource {
  readonly chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
  readonly fromOffset: number;
  /** Inclusive. */
  readonly toOffset: number;
}

/** What decides which records of a log stay. */
export interface CompactionTerms {
  readonly map: OffsetMap;
  /** All records with keys from the first dirty offset up to here, exclusive, are in the map: what lies above stays as it is. */
  readonly mapEndOffset: number;
  readonly deleteRetentionMs: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** The last offset of each producer that the log knows, by the fold of the whole log: their last batches stay, if need be empty. */
  readonly lastOffsets: ReadonlyMap<number, number>;
  /** Bytes that a batch may have: max.message.bytes, and what control batches and earlier configs allowed. */
  readonly maxBatchBytes: number;
}

/**
 * Puts the keys of the dirty stretches into the map. Answers up to where, exclusive: less than all if the map is full, and then up to
 * where a batch begins. Errors: UNKNOWN_SERVER_ERROR if not even the first batch fits; CORRUPT_MESSAGE and such, as reading has them.
 */
export async function mapKeys(
  map: OffsetMap,
  sources: AsyncIterable<CompactionSource> | Iterable<CompactionSource>,
  maxBatchBytes: number,
): Promise<number> {
  let end = 0;
  for await (const source of sources) {
    for await (const batches of wholeBatches(source.chunks, maxBatchBytes)) {
      for (const { header, at } of batchHeaders(batches)) {
        if (!isWithin(header, source)) continue;
        if (!mapBatch(map, batches, at, header)) {
          if (end > 0) return header.baseOffset;
          throw new KafkaError("UNKNOWN_SERVER_ERROR", "the offset map is too small for the keys of one batch", {
            hint: "give the maintenance function more memory",
          });
        }
        end = header.lastOffset + 1;
      }
    }
    end = source.toOffset + 1;
  }
  return end;
}

/** False if the map is full. Keys of a batch of which only some fit are in the log all the same, so they may supersede others. */
function mapBatch(map: OffsetMap, batches: Uint8Array, at: number, header: BatchHeader): boolean {
  // Whether a transaction was committed is not known here: it neither supersedes nor is superseded.
  if (header.isControl || header.isTransactional) return true;
  verifyCrc(batches, at, header);
  const reader = new RecordReader(batches, at, header);
  while (reader.next()) {
    const { key } = reader;
    if (key !== null && !map.put(key, reader.offset)) return false;
  }
  return true;
}

/**
 * The `.log` of the compacted segment that takes the place of the sources, which follow each other: for each key the last record, tombstones
 * until their delete horizon (KIP-534), offsets as they were; as Kafka's Cleaner. Control and transactional batches stay
 * untouched. A batch that loses all its records stays as an empty one if it is the last of a producer that the log still knows,
 * or the last of all, so that neither a sequence nor the segment's end is forgotten. Holds a chunk, and
 * what is left of a batch.
 */
export async function* compactedLog(
  builder: SegmentBuilder,
  terms: CompactionTerms,
  sources: AsyncIterable<CompactionSource> | Iterable<CompactionSource>,
): AsyncGenerator<Uint8Array> {
  let dropped: (() => Uint8Array) | undefined;
  for await (const source of sources) {
    for await (const batches of wholeBatches(source.chunks, terms.maxBatchBytes)) {
      for (const { header, at } of batchHeaders(batches)) {
        if (!isWithin(header, source)) continue;
        const batch = compactedBatch(terms, batches, at, header);
        dropped = batch === undefined ? () => emptyBatch(batches, at, header) : undefined;
        if (batch === undefined) continue;
        builder.add(batch);
        yield batch;
      }
    }
  }
  if (dropped === undefined) return;
  const last = dropped();
  builder.add(last);
  yield last;
}

function compactedBatch(
  terms: CompactionTerms,
  batches: Uint8Array,
  at: number,
  header: BatchHeader,
): Uint8Array | undefined {
  const { map, mapEndOffset, now, deleteRetentionMs, lastOffsets } = terms;
  if (header.isControl || header.isTransactional || header.lastOffset >= mapEndOffset) {
    return batches.subarray(at, at + header.sizeInBytes);
  }
  verifyCrc(batches, at, header);
  const horizon = deleteHorizonOf(batches, at);
  const keepsTombstones = horizon === undefined || now < horizon;
  const keeps = (reader: RecordReader) => {
    const { key } = reader;
    // As in Kafka: where a topic became a compacted one, records without a key go.
    if (key === null || reader.offset < map.get(key)) return false;
    return reader.hasValue || keepsTombstones;
  };
  const filtered = filterBatch(batches, at, header, keeps, now + deleteRetentionMs);
  if (filtered !== undefined) return filtered;
  const isLast = header.producerId !== NO_PRODUCER_ID && lastOffsets.get(header.producerId) === header.lastOffset;
  return isLast ? emptyBatch(batches, at, header) : undefined;
}

function isWithin(header: BatchHeader, { fromOffset, toOffset }: CompactionSource): boolean {
  return header.lastOffset >= fromOffset && header.baseOffset <= toOffset;
}
