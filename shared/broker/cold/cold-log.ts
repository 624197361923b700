import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { CoveredStretch } from "../../log/segment/covering-segments.ts";
import { type ByteRange, rangeFrom } from "../../log/segment/lookup.ts";
import type { OffsetIndex } from "../../log/segment/offset-index.ts";
import { READ_AHEAD, type ReadAheadLimits, type SegmentRead, SegmentReadAhead } from "../../log/segment/read-ahead.ts";
import type { FinishedSegment } from "../../log/segment/segment-metadata.ts";
import { batchHeaders, readBatchHeader } from "../../record/read-batch-header.ts";
import type { BrokerParts } from "../broker.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { KnownSegments } from "./known-segments.ts";
import { SegmentIndexCache } from "./segment-index-cache.ts";
import { SegmentRanges } from "./segment-ranges.ts";
import { TieringStates } from "./tiering-states.ts";

/** Others may push out of memory what was read for this reader before it takes it. */
const MAX_READS = 4;
const MAX_ENDS = 1_000;

/** What a fetch takes at a time. */
export interface SliceLimits {
  readonly maxBytes: number;
  /** Not even one batch that is larger. */
  readonly mustFit: boolean;
}

export interface ColdSlice {
  /** Whole batches. A view of what other readers read too: it must not be changed. Empty where compaction left none. */
  readonly batches: Uint8Array;
  /** The offset to read next: it may lie behind a gap. */
  readonly nextOffset: number;
}

/** What one process knows of the cold parts of logs, and has read of them: caches alone, each with a limit. */
export class ColdLog {
  readonly tiering: TieringStates;
  readonly segments: KnownSegments;
  readonly ranges: SegmentRanges;
  readonly indexes: SegmentIndexCache;
  readonly limits: ReadAheadLimits;
  readonly ahead: SegmentReadAhead;
  /** Where slices ended with their segment: who goes on there reads sequentially, and the next segment begins. */
  readonly #ends = new Set<`${LogKey}@${number}`>();

  constructor(parts: BrokerParts, limits = READ_AHEAD) {
    this.limits = limits;
    this.ahead = new SegmentReadAhead(limits);
    this.tiering = new TieringStates(parts);
    this.segments = new KnownSegments(parts);
    this.ranges = new SegmentRanges(parts);
    this.indexes = new SegmentIndexCache(this.ranges);
  }

  /**
   * Batches of the segment that holds `offset`, from the one that contains it or comes next on; undefined: no segment holds it, or not any
   * more. One request at most, two beside each other for who reads on, and one for the index of a segment that is new here. Errors: those of the registry and of the
   * segment store; CORRUPT_MESSAGE.
   */
  async slice(
    log: LogKey,
    registration: PartitionRegistration,
    offset: number,
    limits: SliceLimits,
  ): Promise<ColdSlice | undefined> {
    const stretch = await this.segments.stretchAt(log, registration, offset);
    if (stretch === undefined) return undefined;
    const { segment, toOffset } = stretch;
    if (segment.content.sizeInBytes === 0) return { batches: new Uint8Array(), nextOffset: toOffset + 1 };
    for (let reads = 0; reads < MAX_READS; reads++) {
      const { maxBytes, mustFit } = limits;
      const taken = this.ahead.take(segment.segmentId, offset, maxBytes, mustFit);
      if (taken !== undefined) return this.#within(log, stretch, taken);
      if (!(await this.#read(log, segment, offset, maxBytes))) return undefined;
    }
    throw new KafkaError("THROTTLING_QUOTA_EXCEEDED", "too many read cold records at once", {
      hint: "try again later",
    });
  }

  /** Keeps what was read for whoever reads on, unless another reader, who shared the request, has. */
  keep(read: SegmentRead, bytes: Uint8Array): void {
    if (this.ahead.take(read.segment.segmentId, read.fromOffset, 1) === undefined) this.ahead.put(read, bytes);
  }

  /** Reads what `take` lacks. False: the segment is gone. */
  async #read(log: LogKey, segment: FinishedSegment, offset: number, maxBytes: number): Promise<boolean> {
    const { sizeInBytes } = segment.content;
    const isNext = offset === segment.baseOffset && this.#ends.has(`${log}@${offset}`);
    const isWhole = isNext && sizeInBytes <= this.limits.mostBytes;
    if (isWhole || !this.ahead.needsIndex(segment, maxBytes)) {
      const range = { start: 0, end: sizeInBytes };
      const bytes = await this.ranges.read(segment, "log", range);
      if (bytes !== undefined) this.keep({ segment, range, fromOffset: offset }, bytes);
      return bytes !== undefined;
    }
    const index = await this.indexes.offsets(segment);
    if (index === undefined) return false;
    const read = this.ahead.plan(segment, index, offset, isNext ? this.limits.mostBytes : maxBytes);
    const behind = isNext || read.readsOn === true ? this.#behind(read, index) : undefined;
    const [bytes, further] = await Promise.all([
      this.ranges.read(segment, "log", read.range),
      behind && this.ranges.read(segment, "log", behind).catch(() => undefined),
    ]);
    if (bytes === undefined) return false;
    this.keep(read, bytes);
    if (behind !== undefined && further !== undefined) {
      this.keep({ segment, range: behind, fromOffset: readBatchHeader(further).baseOffset }, further);
    }
    return true;
  }

  /** Who has read on for a while gets the next range along with this one: beside each other they come sooner than one by one. */
  #behind({ segment, range }: SegmentRead, index: OffsetIndex): ByteRange | undefined {
    const { sizeInBytes } = segment.content;
    const { mostBytes } = this.limits;
    const isLong = range.end - range.start > mostBytes / 2;
    return isLong && range.end < sizeInBytes ? rangeFrom(index, sizeInBytes, range.end, mostBytes) : undefined;
  }

  /** The stretch may end before the segment: at an unclean election, or where another segment is read from. */
  #within(
    log: LogKey,
    { toOffset }: CoveredStretch,
    { slice, nextOffset }: { readonly slice: Uint8Array; readonly nextOffset: number },
  ): ColdSlice {
    if (nextOffset <= toOffset) return { batches: slice, nextOffset };
    this.#ends.add(`${log}@${toOffset + 1}`);
    for (const oldest of this.#ends) {
      if (this.#ends.size <= MAX_ENDS) break;
      this.#ends.delete(oldest);
    }
    if (nextOffset === toOffset + 1) return { batches: slice, nextOffset };
    const beyond = batchHeaders(slice).find(({ header }) => header.lastOffset > toOffset);
    return { batches: slice.subarray(0, beyond?.at), nextOffset: toOffset + 1 };
  }
}
