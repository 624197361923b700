import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findTimestamp } from "../../../../shared/log/segment/find-timestamp.ts";
import { rangeAt, rangeFrom, rangeReaching } from "../../../../shared/log/segment/lookup.ts";
import { OffsetIndex } from "../../../../shared/log/segment/offset-index.ts";
import { TimeIndex } from "../../../../shared/log/segment/time-index.ts";
import { wholeBatchesLength } from "../../../../shared/log/segment/whole-batches.ts";
import { decodeRecords } from "../../../../shared/record/decode-batch.ts";
import { batchHeaders } from "../../../../shared/record/read-batch-header.ts";
import { arbitraryLog } from "./arbitrary-log.ts";
import { type BuiltSegment, buildSegments, type HotLog } from "./hot-log.ts";

const hotBatches = async (log: HotLog) => {
  const parts: Uint8Array[] = [];
  for (const item of log.items) {
    if (item.payload.kind === "inline") parts.push(item.payload.batches);
    if (item.payload.kind !== "object") continue;
    const bytes = (await log.read(item.payload.object))!;
    const { rebaseBatches } = await import("../../../../shared/log/item-batches.ts");
    rebaseBatches(bytes, item.baseOffset, item.leaderEpoch);
    parts.push(bytes);
  }
  return Buffer.concat(parts);
};

const indexesOf = ({ baseOffset, indexes }: BuiltSegment) => ({
  offsets: new OffsetIndex(baseOffset, indexes.offsetIndex),
  times: new TimeIndex(baseOffset, indexes.timeIndex),
});

describe("segments of any log", () => {
  it("are the log's batches, byte for byte, one behind the other", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, async ({ log, limits }) => {
        const segments = await buildSegments(log, limits);
        expect(Buffer.compare(Buffer.concat(segments.map((segment) => segment.log)), await hotBatches(log))).toBe(0);
        for (const { log: bytes, content, baseOffset } of segments) {
          const headers = batchHeaders(bytes).map(({ header }) => header);
          expect(headers[0]!.baseOffset).toBe(baseOffset);
          expect(headers.at(-1)!.lastOffset).toBe(content.lastOffset);
          expect(content.sizeInBytes).toBe(bytes.length);
        }
      }),
      { numRuns: 60 },
    );
  });

  it("have every offset in the range that their index says, and the range ends where a batch does", async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryLog, fc.nat(20_000), async ({ log, limits }, bytes) => {
        for (const segment of await buildSegments(log, limits)) {
          const { offsets } = indexesOf(segment);
          const headers = batchHeaders(segment.log);
          for (let offset = segment.baseOffset; offset <= segment.content.lastOffset; offset++) {
            const range = rangeAt(offsets, segment.log.length, offset, bytes);
            const read = segment.log.subarray(range.start, range.end);
            expect(wholeBatchesLength(read)).toBe(read.length);
            const holder = headers.find(({ header }) => header.lastOffset >= offset)!;
            expect(range.start).toBeLessThanOrEqual(holder.at);
            expect(range.end).toBeGreaterThanOrEqual(holder.at + holder.header.sizeInBytes);
          }
          for (const { header, at } of headers) {
            const range = rangeFrom(offsets, segment.log.length, at, bytes);
            expect(range.start).toBe(at);
            expect(range.end).toBeGreaterThanOrEqual(at + header.sizeInBytes);
            expect(wholeBatchesLength(segment.log.subarray(range.start, range.end))).toBe(range.end - range.start);
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  it("find the record for any timestamp that a scan of the hot log finds, from any offset on", async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryLog,
        fc.array(fc.nat(130), { minLength: 1, maxLength: 12 }),
        fc.nat(100),
        async ({ log, limits }, times, from) => {
          const all = await hotBatches(log);
          const segments = await buildSegments(log, limits);
          const records = batchHeaders(all).flatMap(({ header, at }) =>
            header.isControl ? [] : decodeRecords(all, at, header),
          );
          for (const timestamp of times) {
            for (const fromOffset of [0, from]) {
              const expected = records.find((one) => one.timestamp >= timestamp && one.offset >= fromOffset);
              expect(search(segments, timestamp, fromOffset)?.offset).toBe(expected?.offset);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("name a range for a timestamp that is no longer than an interval of the index and the batches at its ends", async () => {
    const { HotLog: Log, record, LIMITS } = await import("./hot-log.ts");
    const log = new Log();
    for (let index = 0; index < 2000; index++) log.append([[record("k", "v".repeat(900), 1_000 + index)]]);
    const [segment] = await buildSegments(log, LIMITS);
    const { offsets, times } = indexesOf(segment!);
    for (let timestamp = 1; timestamp < 3_000; timestamp += 13) {
      const range = rangeReaching(offsets, times, segment!.log.length, timestamp, 0)!;
      expect(range.end - range.start).toBeLessThan(2 * 4096 + 4 * 1000);
    }
    expect(rangeReaching(offsets, times, segment!.log.length, 3_000, 0)).toBeUndefined();
  });
});

/** As a reader does: the range that the index names, and then what lies behind it. */
function search(segments: readonly BuiltSegment[], timestamp: number, fromOffset: number) {
  for (const segment of segments) {
    if (segment.content.lastOffset < fromOffset || segment.content.maxTimestamp < timestamp) continue;
    const { offsets, times } = indexesOf(segment);
    const range = rangeReaching(offsets, times, segment.log.length, timestamp, fromOffset);
    if (range === undefined) continue;
    const found =
      findTimestamp(segment.log.subarray(range.start, range.end), timestamp, fromOffset) ??
      findTimestamp(segment.log.subarray(range.end), timestamp, fromOffset);
    if (found !== undefined) return found;
    // Only where the search begins within the segment may its time be reached by a record below.
    expect(segment.baseOffset).toBeLessThan(fromOffset);
  }
  return undefined;
}
