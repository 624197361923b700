import { OffsetIndex } from "../../log/segment/offset-index.ts";
import { indexRange } from "../../log/segment/segment-indexes.ts";
import type { FinishedSegment } from "../../log/segment/segment-metadata.ts";
import { TimeIndex } from "../../log/segment/time-index.ts";
import type { SegmentRanges } from "./segment-ranges.ts";

/** Two MiB for a GiB of small batches, ten at most as the configs come; one is kept whatever its size. */
const MOST_BYTES = 32 * 1024 * 1024;

interface Entry {
  readonly bytes: number;
  readonly index: Promise<OffsetIndex | TimeIndex | undefined>;
}

/** The indexes of the segments that were read last. */
export class SegmentIndexCache {
  readonly #ranges: SegmentRanges;
  /** By kind and segment; the one used longest ago first. */
  readonly #entries = new Map<string, Entry>();
  #bytes = 0;

  constructor(ranges: SegmentRanges) {
    this.#ranges = ranges;
  }

  get bytesKept(): number {
    return this.#bytes;
  }

  /** undefined: the segment is gone. Errors: those of SegmentRanges. */
  offsets(segment: FinishedSegment): Promise<OffsetIndex | undefined> {
    return this.#get(segment, "offsetIndex", (bytes) => new OffsetIndex(segment.baseOffset, bytes));
  }

  /** Likewise. */
  times(segment: FinishedSegment): Promise<TimeIndex | undefined> {
    return this.#get(segment, "timeIndex", (bytes) => new TimeIndex(segment.baseOffset, bytes));
  }

  #get<Index extends OffsetIndex | TimeIndex>(
    segment: FinishedSegment,
    part: "offsetIndex" | "timeIndex",
    open: (bytes: Uint8Array) => Index,
  ): Promise<Index | undefined> {
    const name = `${part} ${segment.segmentId}`;
    const known = this.#entries.get(name);
    if (known !== undefined) {
      this.#entries.delete(name);
      this.#entries.set(name, known);
      return known.index as Promise<Index | undefined>;
    }
    const range = indexRange(segment.content.indexSizes, part);
    const bytes = range.end - range.start;
    const read = bytes === 0 ? Promise.resolve(new Uint8Array()) : this.#ranges.read(segment, "indexes", range);
    const index = read.then((found) => (found === undefined ? undefined : open(found)));
    const entry: Entry = { bytes, index };
    this.#entries.set(name, entry);
    this.#bytes += bytes;
    for (const [oldest, { bytes: size }] of this.#entries) {
      if (this.#bytes <= MOST_BYTES || oldest === name) break;
      this.#entries.delete(oldest);
      this.#bytes -= size;
    }
    const forget = () => {
      if (this.#entries.get(name) !== entry) return;
      this.#entries.delete(name);
      this.#bytes -= bytes;
    };
    index.then((found) => found ?? forget(), forget);
    return index;
  }
}
