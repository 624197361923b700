import { KafkaError } from "../../kafka/kafka-error.ts";
import { readBatchHeader } from "../../record/read-batch-header.ts";
import { type ByteRange, rangeAt, rangeFrom } from "./lookup.ts";
import type { OffsetIndex } from "./offset-index.ts";
import type { FinishedSegment } from "./segment-metadata.ts";
import { batchEnd, wholeBatchesLength } from "./whole-batches.ts";

/** Bytes of reads. A GET costs the same whatever it brings, so the first already brings two MiB: half a request for each MiB. */
export interface ReadAheadLimits {
  readonly firstBytes: number;
  /** What reads grow to while their reader goes on where the last one ended. */
  readonly mostBytes: number;
  /** All that is kept, for all readers together. */
  readonly totalBytes: number;
}

const MIB = 1024 * 1024;
export const READ_AHEAD: ReadAheadLimits = { firstBytes: 2 * MIB, mostBytes: 8 * MIB, totalBytes: 64 * MIB };

/** Those that are taken as a whole hold no bytes any more. */
const MAX_WINDOWS = 200;

/** What to read: of which bytes, and for what. Handed back with them. */
export interface SegmentRead {
  readonly segment: FinishedSegment;
  readonly range: ByteRange;
  readonly fromOffset: number;
  /** Its reader goes on where an earlier read ended. */
  readonly readsOn?: boolean;
}

/** A stretch of a segment's `.log` in memory. */
interface Window {
  readonly segmentId: string;
  fromOffset: number;
  readonly nextOffset: number;
  /** Of its last batch. Offsets behind it, at a segment's end, have no batch any more. */
  readonly lastOffset: number;
  /** Where it ends in the `.log`. */
  readonly end: number;
  bytes: Uint8Array;
  /** As it was read; part of it may have been given up since. */
  readonly sizeInBytes: number;
  /** Where the batch begins in `bytes` that a reader who goes on will ask for: small batches are many. */
  readonly goesOn: { offset: number; at: number };
  /** At the segment's end: nobody reads on behind it. */
  readonly isLast: boolean;
  /** What comes behind it was asked for: its reader is done with it. */
  isFollowed: boolean;
}

/**
 * What one process has read ahead of its readers, without reading itself: `take` first; if that has nothing, read what `plan`
 * says, `put` it, and take again. Whoever reads on gets larger and larger reads; the windows that were used longest ago go first.
 */
export class SegmentReadAhead {
  readonly #limits: ReadAheadLimits;
  /** The one used longest ago first. */
  readonly #windows: Window[] = [];

  constructor(limits: ReadAheadLimits = READ_AHEAD) {
    this.#limits = limits;
  }

  get bytesKept(): number {
    return this.#windows.reduce((bytes, window) => bytes + window.bytes.length, 0);
  }

  /**
   * Whole batches from the one that holds `offset` on, as many as fit into `maxBytes` and one at least (unless `mustFit`); undefined:
   * nothing of it was read yet. A view: it must not be changed.
   */
  take(
    segmentId: string,
    offset: number,
    maxBytes: number,
    mustFit = false,
  ): { readonly slice: Uint8Array; readonly nextOffset: number } | undefined {
    const window = this.#find(
      (one) => one.segmentId === segmentId && one.fromOffset <= offset && offset < one.nextOffset,
    );
    if (window === undefined) return undefined;
    if (offset > window.lastOffset) return { slice: new Uint8Array(), nextOffset: window.nextOffset };
    const { bytes, goesOn, lastOffset } = window;
    let start = offset >= goesOn.offset ? goesOn.at : 0;
    while (readBatchHeader(bytes, start).lastOffset < offset) start = batchEnd(bytes, start);
    let end = start;
    let nextOffset = offset;
    while (end < bytes.length) {
      const header = readBatchHeader(bytes, end);
      const isTooMuch = end + header.sizeInBytes - start > maxBytes;
      if (isTooMuch && (mustFit || end > start)) break;
      end += header.sizeInBytes;
      nextOffset = header.lastOffset + 1;
    }
    Object.assign(goesOn, { offset: nextOffset, at: end });
    return { slice: bytes.subarray(start, end), nextOffset: nextOffset > lastOffset ? window.nextOffset : nextOffset };
  }

  /** Whether `plan` will need the segment's index: not for one that a single read brings whole. */
  needsIndex(segment: FinishedSegment, maxBytes: number): boolean {
    return segment.content.sizeInBytes > this.#firstBytes(maxBytes);
  }

  /** What to read for a reader at `offset`, which lies in the segment. `index` may be left out where needsIndex says so. */
  plan(segment: FinishedSegment, index: OffsetIndex | undefined, offset: number, maxBytes: number): SegmentRead {
    const { sizeInBytes } = segment.content;
    const first = this.#firstBytes(maxBytes);
    if (sizeInBytes <= first) return { segment, range: { start: 0, end: sizeInBytes }, fromOffset: offset };
    if (index === undefined) throw new Error(`segment ${segment.segmentId} is too large to be read without its index`);
    const follows = this.#find((one) => one.segmentId === segment.segmentId && one.nextOffset === offset);
    if (follows === undefined || follows.end >= sizeInBytes) {
      return { segment, range: rangeAt(index, sizeInBytes, offset, first), fromOffset: offset };
    }
    // It goes first.
    follows.isFollowed = true;
    this.#windows.unshift(...this.#windows.splice(this.#windows.indexOf(follows), 1));
    const bytes = Math.min(this.#mostBytes(), Math.max(first, 2 * follows.sizeInBytes));
    return { segment, range: rangeFrom(index, sizeInBytes, follows.end, bytes), fromOffset: offset, readsOn: true };
  }

  /**
   * Keeps what was read. Errors: KAFKA_STORAGE_ERROR for fewer bytes than were asked for, or for such as do not begin with a whole
   * batch of the segment.
   */
  put(read: SegmentRead, bytes: Uint8Array): void {
    const { segment, range, fromOffset } = read;
    const whole = wholeBatchesLength(bytes);
    if (bytes.length !== range.end - range.start || whole === 0) {
      throw new KafkaError("KAFKA_STORAGE_ERROR", `segment ${segment.segmentId} has no whole batch at ${range.start}`);
    }
    const first = readBatchHeader(bytes, 0);
    const end = range.start + whole;
    const lastOffset = lastHeaderOffset(bytes, whole);
    this.#windows.push({
      segmentId: segment.segmentId,
      fromOffset: range.start === 0 ? segment.baseOffset : Math.min(fromOffset, first.baseOffset),
      nextOffset: end === segment.content.sizeInBytes ? segment.content.lastOffset + 1 : lastOffset + 1,
      lastOffset,
      end,
      bytes: bytes.subarray(0, whole),
      sizeInBytes: whole,
      goesOn: { offset: 0, at: 0 },
      isLast: end === segment.content.sizeInBytes,
      isFollowed: false,
    });
    this.#makeRoom();
  }

  /** First goes what somebody has taken, of the oldest; where that is not enough, what somebody is about to take. */
  #makeRoom(): void {
    const isTooMuch = () => this.bytesKept > this.#limits.totalBytes;
    // Not the one that was just put.
    for (const window of this.#windows.slice(0, -1)) {
      if (!isTooMuch()) break;
      giveUpTaken(window);
    }
    while (this.#windows.length > 1 && (isTooMuch() || this.#windows.length > MAX_WINDOWS)) this.#windows.shift();
  }

  #firstBytes(maxBytes: number): number {
    const { firstBytes, mostBytes } = this.#limits;
    return Math.max(firstBytes, Math.min(maxBytes, mostBytes));
  }

  /**
   * Less for each where there are many readers: else they would push out of memory what others are about to take. Together they may read more than is
   * kept, since what they have taken of it is given up.
   */
  #mostBytes(): number {
    const { firstBytes, mostBytes, totalBytes } = this.#limits;
    const readers = 1 + this.#windows.filter((window) => !window.isFollowed && !isReadOut(window)).length;
    return Math.max(firstBytes, Math.min(mostBytes, Math.floor((totalBytes * 1.5) / readers)));
  }

  #find(matches: (window: Window) => boolean): Window | undefined {
    const index = this.#windows.findLastIndex(matches);
    if (index < 0) return undefined;
    const [found] = this.#windows.splice(index, 1);
    this.#windows.push(found!);
    return found;
  }
}

/** Somebody has taken the last of it, and of the segment. */
function isReadOut({ isLast, goesOn, lastOffset }: Window): boolean {
  return isLast && goesOn.offset > lastOffset;
}

/** Gives up what its reader has behind it, if it is worth the copy of the rest. That it was read stays known: its reader may go on behind it. */
function giveUpTaken(window: Window): void {
  const { bytes, goesOn, lastOffset, nextOffset } = window;
  if (goesOn.offset > lastOffset) {
    Object.assign(window, { bytes: new Uint8Array(), fromOffset: nextOffset });
  } else if (goesOn.at >= bytes.length / 4) {
    window.bytes = new Uint8Array(bytes.subarray(goesOn.at));
    window.fromOffset = goesOn.offset;
    goesOn.at = 0;
  }
}

function lastHeaderOffset(bytes: Uint8Array, end: number): number {
  let at = 0;
  for (let next = batchEnd(bytes, at); next < end; next = batchEnd(bytes, at)) at = next;
  return readBatchHeader(bytes, at).lastOffset;
}
