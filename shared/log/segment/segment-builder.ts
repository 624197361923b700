import { KafkaError } from "../../kafka/kafka-error.ts";
import { type BatchHeader, NO_PRODUCER_ID, NO_TIMESTAMP } from "../../record/batch-header.ts";
import { batchHeaders, verifyCrc } from "../../record/read-batch-header.ts";
import { type EpochStart, withEpoch } from "../leader-epochs.ts";
import { PRODUCERS_KEPT } from "../producer-state.ts";
import { encodeLeaderEpochCheckpoint, epochsWithin } from "./leader-epoch-checkpoint.ts";
import { OFFSET_INDEX_ENTRY_BYTES, OffsetIndexWriter } from "./offset-index.ts";
import { encodeProducerSnapshot, type ProducerEntry } from "./producer-snapshot.ts";
import type { SegmentContent } from "./segment-metadata.ts";
import { TIME_INDEX_ENTRY_BYTES, TimeIndexWriter } from "./time-index.ts";

/** Positions and relative offsets are int32. */
const INT_MAX = 2 ** 31 - 1;

/** What a segment inherits: the fold of the log below it, as the segment before it has it in its snapshot and its checkpoint. */
export interface SegmentStart {
  readonly baseOffset: number;
  /** The producer that appended longest ago first. */
  readonly producers: readonly ProducerEntry[];
  readonly epochs: readonly EpochStart[];
  /** Both are of the segment's end already: compaction takes away, and adds nothing that would have to be folded. */
  readonly isFoldedToEnd?: boolean;
}

/** When a segment is full, in bytes: the topic's segment.bytes, segment.index.bytes and index.interval.bytes. */
export interface SegmentLimits {
  readonly segmentBytes: number;
  readonly indexBytes: number;
  readonly indexIntervalBytes: number;
}

/** What stands beside a segment's `.log`. */
export interface SegmentIndexes {
  readonly offsetIndex: Uint8Array;
  readonly timeIndex: Uint8Array;
  /** Of the log up to the segment's end. */
  readonly producerSnapshot: Uint8Array;
  /** Of the log up to the segment's end. */
  readonly leaderEpochCheckpoint: Uint8Array;
}

/** What is known of a segment by its batches alone. */
export type BuiltContent = Pick<
  SegmentContent,
  "lastOffset" | "sizeInBytes" | "recordCount" | "firstTimestamp" | "maxTimestamp" | "leaderEpochs"
>;

/**
 * Follows the batches that are written to a segment's `.log` and makes what stands beside it: the indexes entry by entry as Kafka's
 * LogSegment.append does, the fold of producers and of leader epochs. Holds no batch; the indexes are bounded by
 * `indexBytes`, the producers by PRODUCERS_KEPT.
 */
export class SegmentBuilder {
  readonly #start: SegmentStart;
  readonly #limits: SegmentLimits;
  readonly #offsetIndex: OffsetIndexWriter;
  readonly #timeIndex: TimeIndexWriter;
  readonly #producers: Map<number, ProducerEntry>;
  #epochs: readonly EpochStart[];
  #nextOffset: number;
  #sizeInBytes = 0;
  #recordCount = 0;
  #bytesSinceEntry = 0;
  #firstTimestamp = NO_TIMESTAMP;
  #maxTimestamp = NO_TIMESTAMP;
  #maxTimestampOffset = 0;

  constructor(start: SegmentStart, limits: SegmentLimits) {
    this.#start = start;
    this.#limits = limits;
    this.#offsetIndex = new OffsetIndexWriter(start.baseOffset);
    this.#timeIndex = new TimeIndexWriter(start.baseOffset);
    this.#producers = new Map(start.producers.map((entry) => [entry.producerId, entry]));
    this.#epochs = start.epochs;
    this.#nextOffset = start.baseOffset;
  }

  /** The offset behind the last batch. */
  get nextOffset(): number {
    return this.#nextOffset;
  }

  get sizeInBytes(): number {
    return this.#sizeInBytes;
  }

  /**
   * Whether `sizeInBytes` more, up to `lastOffset`, still belong into this segment when `bytesBefore` are about to be added. The
   * first always do.
   */
  takes(sizeInBytes: number, lastOffset: number, bytesBefore = 0): boolean {
    const { segmentBytes, indexBytes } = this.#limits;
    if (lastOffset - this.#start.baseOffset > INT_MAX) return false;
    const taken = this.#sizeInBytes + bytesBefore;
    if (taken === 0) return true;
    if (taken + sizeInBytes > Math.min(segmentBytes, INT_MAX)) return false;
    return (
      this.#offsetIndex.sizeInBytes + OFFSET_INDEX_ENTRY_BYTES <= indexBytes &&
      this.#timeIndex.sizeInBytes + 2 * TIME_INDEX_ENTRY_BYTES <= indexBytes
    );
  }

  /**
   * Whole batches at their final offsets, as they are written to the `.log` next. Their CRC is looked at: hot items are deleted
   * because of this copy. Errors: CORRUPT_MESSAGE, also for offsets that go back.
   */
  add(batches: Uint8Array): void {
    for (const { header, at } of batchHeaders(batches)) {
      verifyCrc(batches, at, header);
      this.#addBatch(header);
    }
  }

  /** `lastOffset`: where the segment's offsets end, if that is further than its last batch. */
  finish(lastOffset = this.#nextOffset - 1): { readonly content: BuiltContent; readonly indexes: SegmentIndexes } {
    const { baseOffset } = this.#start;
    this.#timeIndex.addIfRisen(this.#maxTimestamp, this.#maxTimestampOffset);
    return {
      content: {
        lastOffset,
        sizeInBytes: this.#sizeInBytes,
        recordCount: this.#recordCount,
        firstTimestamp: this.#firstTimestamp,
        maxTimestamp: this.#maxTimestamp,
        leaderEpochs: epochsWithin(this.#epochs, baseOffset, lastOffset),
      },
      indexes: {
        offsetIndex: this.#offsetIndex.written(),
        timeIndex: this.#timeIndex.written(),
        producerSnapshot: encodeProducerSnapshot([...this.#producers.values()]),
        leaderEpochCheckpoint: encodeLeaderEpochCheckpoint(this.#epochs),
      },
    };
  }

  #addBatch(header: BatchHeader): void {
    if (header.baseOffset < this.#nextOffset) {
      throw new KafkaError("CORRUPT_MESSAGE", `offset ${header.baseOffset} comes behind ${this.#nextOffset - 1}`);
    }
    if (this.#sizeInBytes + header.sizeInBytes > INT_MAX) {
      throw new KafkaError("MESSAGE_TOO_LARGE", "a segment has at most 2 GiB", {
        hint: "lower the topic's segment.bytes",
      });
    }
    // A barrier's time is no record's, and an empty batch has none: no search by timestamp may end there.
    const isTimed = !header.isControl && header.recordCount > 0;
    if (isTimed && this.#firstTimestamp === NO_TIMESTAMP) this.#firstTimestamp = header.maxTimestamp;
    if (isTimed && header.maxTimestamp > this.#maxTimestamp) {
      this.#maxTimestamp = header.maxTimestamp;
      this.#maxTimestampOffset = header.lastOffset;
    }
    if (this.#bytesSinceEntry > this.#limits.indexIntervalBytes) {
      this.#offsetIndex.add(header.lastOffset, this.#sizeInBytes);
      this.#timeIndex.addIfRisen(this.#maxTimestamp, this.#maxTimestampOffset);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += header.sizeInBytes;
    this.#sizeInBytes += header.sizeInBytes;
    this.#recordCount += header.recordCount;
    this.#nextOffset = header.lastOffset + 1;
    if (this.#start.isFoldedToEnd === true) return;
    this.#foldEpoch(header);
    this.#foldProducer(header);
  }

  #foldEpoch({ partitionLeaderEpoch, baseOffset }: BatchHeader): void {
    const last = this.#epochs.at(-1)?.leaderEpoch ?? -1;
    if (partitionLeaderEpoch <= last) return;
    this.#epochs = withEpoch(this.#epochs, { leaderEpoch: partitionLeaderEpoch, startOffset: baseOffset });
  }

  #foldProducer(header: BatchHeader): void {
    const { producerId, producerEpoch, lastSequence, baseOffset, lastOffset, maxTimestamp } = header;
    if (producerId === NO_PRODUCER_ID || header.isControl) return;
    // Deleted first, so that the map's order is the order of the last append.
    this.#producers.delete(producerId);
    const offsetDelta = lastOffset - baseOffset;
    this.#producers.set(producerId, {
      producerId,
      producerEpoch,
      lastSequence,
      lastOffset,
      offsetDelta,
      timestamp: maxTimestamp,
    });
    if (this.#producers.size <= PRODUCERS_KEPT) return;
    for (const oldest of this.#producers.keys()) {
      this.#producers.delete(oldest);
      break;
    }
  }
}
