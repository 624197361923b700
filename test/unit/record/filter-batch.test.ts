import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { deleteHorizonOf, emptyBatch, filterBatch } from "../../../shared/record/filter-batch.ts";
import { readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { arbitraryRecords } from "./arbitrary-record.ts";

const HORIZON = 1_700_000_000_000;
const options = {
  baseOffset: 1_000,
  partitionLeaderEpoch: 7,
  producerId: 5,
  producerEpoch: 2,
  baseSequence: 2 ** 31 - 3,
};
const comparable = (records: ReturnType<typeof decodeRecords>) =>
  records.map(({ key, value, headers, ...rest }) => ({
    ...rest,
    key: key && Buffer.from(key).toString("hex"),
    value: value && Buffer.from(value).toString("hex"),
    headers: headers.map((header) => [header.key, header.value && Buffer.from(header.value).toString("hex")]),
  }));

describe("a batch that loses records", () => {
  const arbitrary = fc.record({
    records: arbitraryRecords,
    compressionType: fc.constantFrom(...COMPRESSION_TYPES),
    timestampType: fc.constantFrom("CreateTime" as const, "LogAppendTime" as const),
    keeps: fc.func(fc.boolean()),
    before: fc.nat(20),
  });

  it("keeps the others at their offsets, and all that it says of itself", () => {
    fc.assert(
      fc.property(arbitrary, ({ records, compressionType, timestampType, keeps, before }) => {
        const batch = encodeBatch(records, { ...options, compressionType, timestampType });
        const bytes = Buffer.concat([Buffer.alloc(before), batch]);
        const header = readBatchHeader(bytes, before);
        const all = decodeRecords(bytes, before, header);
        const kept = all.filter(({ offset }) => keeps(offset));
        const filtered = filterBatch(bytes, before, header, ({ offset }) => keeps(offset), HORIZON);
        expect(Buffer.compare(bytes.subarray(before), batch)).toBe(0);
        if (kept.length === 0) {
          expect(filtered).toBeUndefined();
          return;
        }
        const after = readBatchHeader(filtered!, 0);
        verifyCrc(filtered!, 0, after);
        expect(comparable(decodeRecords(filtered!, 0, after))).toEqual(comparable(kept));
        const hasTombstone = kept.some(({ value }) => value === null);
        expect(deleteHorizonOf(filtered!, 0)).toBe(hasTombstone ? HORIZON : undefined);
        const { sizeInBytes, crc, recordCount, baseTimestamp, maxTimestamp, ...rest } = after;
        expect(header).toMatchObject(rest);
        expect(recordCount).toBe(kept.length);
        expect(maxTimestamp).toBe(Math.max(...kept.map(({ timestamp }) => timestamp)));
        if (kept.length === all.length && !hasTombstone) expect(filtered!.buffer).toBe(bytes.buffer);
      }),
      { numRuns: 300 },
    );
  });

  it("keeps its place when it has none left, and its horizon when it had one", () => {
    const batch = encodeBatch([{ key: Buffer.of(1), value: null, headers: [], timestamp: 5 }], {
      ...options,
      compressionType: "gzip",
    });
    const header = readBatchHeader(batch);
    const marked = filterBatch(batch, 0, header, () => true, HORIZON)!;
    const again = filterBatch(marked, 0, readBatchHeader(marked), () => true, HORIZON + 1)!;
    expect(deleteHorizonOf(again, 0)).toBe(HORIZON);
    expect(decodeRecords(again, 0, readBatchHeader(again))[0]!.timestamp).toBe(5);
    const empty = emptyBatch(marked, 0, readBatchHeader(marked));
    const after = readBatchHeader(empty);
    verifyCrc(empty, 0, after);
    expect(after).toMatchObject({
      ...options,
      lastOffset: 1_000,
      lastSequence: 2 ** 31 - 3,
      recordCount: 0,
      compressionType: "none",
    });
    expect([decodeRecords(empty, 0, after), deleteHorizonOf(empty, 0)]).toEqual([[], undefined]);
  });
});
