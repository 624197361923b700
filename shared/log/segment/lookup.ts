import type { OffsetIndex } from "./offset-index.ts";
import type { TimeIndex } from "./time-index.ts";

/** Bytes [start, end) of a segment's `.log`. `start` is where a batch begins. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/**
 * What to read of a `.log` to have the batch that holds `offset`, whole, and about `bytes` from where reading begins. It ends where a
 * batch does, so that the next read begins there and reads nothing twice. `sizeInBytes`: of the `.log`.
 */
export function rangeAt(index: OffsetIndex, sizeInBytes: number, offset: number, bytes: number): ByteRange {
  const entry = index.entryAtOrBelow(offset);
  const start = entry < 0 ? 0 : index.position(entry);
  return { start, end: rangeEnd(index, sizeInBytes, entry + 1, start + bytes) };
}

/** The next range for a reader that goes on at `position`, where a batch begins. */
export function rangeFrom(index: OffsetIndex, sizeInBytes: number, position: number, bytes: number): ByteRange {
  const entry = index.entryAtOrBefore(position);
  return { start: position, end: rangeEnd(index, sizeInBytes, entry + 1, position + bytes) };
}

/**
 * Where to search first for a record at or after `timestamp` with an offset >= `fromOffset`; undefined: the segment has no record
 * of that time. The batch in which the running maximum first reaches the timestamp lies between two entries of the offset
 * index, since both indexes grow at the same batches. Where that is below `fromOffset`, what stands above need not raise the
 * maximum: all up to the next batch that does is the range. If `fromOffset` lies within the segment and nothing is found,
 * the search goes on behind the range.
 */
export function rangeReaching(
  offsets: OffsetIndex,
  times: TimeIndex,
  sizeInBytes: number,
  timestamp: number,
  fromOffset: number,
): ByteRange | undefined {
  const first = times.entryAtOrAfter(timestamp);
  if (first === times.entryCount) return undefined;
  let reached = first;
  while (reached < times.entryCount && times.offset(reached) < fromOffset) reached++;
  const firstBefore = reached === first ? offsets.entryAtOrBelow(times.offset(first) - 1) : -1;
  const from = Math.max(firstBefore, offsets.entryAtOrBelow(fromOffset));
  const start = from < 0 ? 0 : offsets.position(from);
  return {
    start,
    end: reached < times.entryCount ? endBehind(offsets, sizeInBytes, times.offset(reached)) : sizeInBytes,
  };
}

/**
 * The batch that was asked for lies, at the latest, at the entry behind the one where reading begins, and ends at the one behind
 * that at the latest. From there on the last entry that is within `wanted`.
 */
function rangeEnd(index: OffsetIndex, sizeInBytes: number, next: number, wanted: number): number {
  const last = Math.max(next + 1, index.entryAtOrBefore(wanted));
  // Behind the last entry there is hardly more than an interval: not worth a request of its own.
  return wanted >= sizeInBytes || last + 1 >= index.entryCount ? sizeInBytes : index.position(last);
}

/** A place where a batch ends, behind the one whose last offset is `lastOffset`. */
function endBehind(index: OffsetIndex, sizeInBytes: number, lastOffset: number): number {
  const behind = index.entryAtOrBelow(lastOffset) + 1;
  return behind < index.entryCount ? index.position(behind) : sizeInBytes;
}
