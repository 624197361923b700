import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { encodeControlBatch, readControlRecord } from "../../../shared/record/control-record.ts";
import { crc32c } from "../../../shared/record/crc32c.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { patchBatch, stampLogAppendTime } from "../../../shared/record/patch-batch.ts";
import { batchHeaders, readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { recompress } from "../../../shared/record/recompress.ts";
import { VarintReader, varintSize, writeVarint } from "../../../shared/record/varint.ts";
import { xxh32 } from "../../../shared/record/xxh32.ts";
import { arbitraryRecords } from "./arbitrary-record.ts";
import { codeOf } from "./corrupted-batch.ts";

const plain = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("hex"));

describe("a RecordBatch", () => {
  for (const compressionType of COMPRESSION_TYPES) {
    it(`gives back the records it was made of (${compressionType})`, () => {
      fc.assert(
        fc.property(arbitraryRecords, fc.nat(2 ** 40), (records, baseOffset) => {
          const bytes = encodeBatch(records, { compressionType, baseOffset });
          const header = readBatchHeader(bytes);
          verifyCrc(bytes, 0, header);
          expect(header).toMatchObject({
            baseOffset,
            recordCount: records.length,
            sizeInBytes: bytes.length,
            compressionType,
          });
          expect(header.maxTimestamp).toBe(Math.max(...records.map(({ timestamp }) => timestamp)));
          const decoded = decodeRecords(bytes, 0, header);
          expect(decoded.map(({ offset }) => offset)).toEqual(records.map((_, index) => baseOffset + index));
          for (const [index, record] of records.entries()) {
            const found = decoded[index]!;
            expect(found.timestamp).toBe(record.timestamp);
            expect([plain(found.key), plain(found.value)]).toEqual([plain(record.key), plain(record.value)]);
            expect(found.headers.map(({ key, value }) => [key, plain(value)])).toEqual(
              record.headers.map(({ key, value }) => [key, plain(value)]),
            );
          }
        }),
        { numRuns: 60 },
      );
    });
  }

  it("is moved to another offset and epoch without touching its CRC", () => {
    const bytes = encodeBatch([{ key: null, value: Buffer.from("v"), headers: [], timestamp: 5 }]);
    patchBatch(bytes, 0, 2 ** 40 + 3, 17);
    const header = readBatchHeader(bytes);
    verifyCrc(bytes, 0, header);
    expect(header).toMatchObject({ baseOffset: 2 ** 40 + 3, lastOffset: 2 ** 40 + 3, partitionLeaderEpoch: 17 });
  });

  it("stamped with the append's time gives it to all its records", () => {
    const record = (timestamp: number) => ({ key: null, value: null, headers: [], timestamp });
    const bytes = encodeBatch([record(1), record(2)], { compressionType: "zstd" });
    stampLogAppendTime(bytes, 0, 99);
    const header = readBatchHeader(bytes);
    verifyCrc(bytes, 0, header);
    expect(decodeRecords(bytes, 0, header).map(({ timestamp }) => timestamp)).toEqual([99, 99]);
  });

  it("keeps its producer's fields when it is recompressed", () => {
    const records = [{ key: null, value: Buffer.from("v"), headers: [], timestamp: 5 }];
    const bytes = encodeBatch(records, { producerId: 9, producerEpoch: 2, baseSequence: 2 ** 31 - 1, baseOffset: 4 });
    const again = recompress(bytes, 0, readBatchHeader(bytes), "gzip");
    expect(readBatchHeader(again)).toMatchObject({
      producerId: 9,
      producerEpoch: 2,
      baseSequence: 2 ** 31 - 1,
      baseOffset: 4,
      compressionType: "gzip",
    });
  });

  it("is LogAppendTime if it is asked to be, and gives its records the largest timestamp", () => {
    const record = (timestamp: number) => ({ key: null, value: null, headers: [], timestamp });
    const bytes = encodeBatch([record(3), record(2)], { timestampType: "LogAppendTime" });
    const header = readBatchHeader(bytes);
    expect(header).toMatchObject({ timestampType: "LogAppendTime", maxTimestamp: 3 });
    expect(decodeRecords(bytes, 0, header).map(({ timestamp }) => timestamp)).toEqual([3, 3]);
  });

  it("is not made of nothing", () => {
    expect(codeOf(() => encodeBatch([]))).toBe("INVALID_RECORD");
  });

  it("holds timestamps as far apart as its numbers go, and refuses those beyond", () => {
    const record = (timestamp: number) => ({ key: null, value: null, headers: [], timestamp });
    const timestamps = [2 ** 52 - 1, 0, -1];
    const bytes = encodeBatch(timestamps.slice(0, 2).map(record));
    expect(decodeRecords(bytes, 0, readBatchHeader(bytes)).map(({ timestamp }) => timestamp)).toEqual([2 ** 52 - 1, 0]);
    expect(codeOf(() => encodeBatch(timestamps.map(record)))).toBe("INVALID_TIMESTAMP");
  });

  it("can carry a control record", () => {
    const bytes = encodeControlBatch("LEADER_CHANGE", Buffer.from("x"), 5);
    const header = readBatchHeader(bytes);
    expect(header.isControl).toBe(true);
    const [record] = decodeRecords(bytes, 0, header);
    expect(readControlRecord(record!)).toEqual({ version: 0, type: "LEADER_CHANGE" });
    expect(readControlRecord({ ...record!, key: Uint8Array.of(0, 1, 0, 99) })).toEqual({ version: 1, type: undefined });
    for (const key of [null, Uint8Array.of(0, 0, 0), Uint8Array.of(255, 255, 0, 0)]) {
      expect(codeOf(() => readControlRecord({ ...record!, key }))).toBe("INVALID_RECORD");
    }
  });

  it("is found behind another one", () => {
    const one = encodeBatch([{ key: null, value: Buffer.from("1"), headers: [], timestamp: 5 }]);
    const two = Buffer.concat([one, one, one]);
    expect(batchHeaders(two).map(({ at }) => at)).toEqual([0, one.length, 2 * one.length]);
  });
});

describe("varints", () => {
  it("hold every integer of 53 bits in the size that is said of them", () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 })), (value) => {
        const bytes = new Uint8Array(10);
        const end = writeVarint(bytes, 0, value);
        expect(end).toBe(varintSize(value));
        expect(new VarintReader(bytes, 0, end).next()).toBe(value);
        const isInt32 = value === (value | 0);
        if (isInt32) expect(new VarintReader(bytes, 0, end).nextInt32()).toBe(value);
        else expect(codeOf(() => new VarintReader(bytes, 0, end).nextInt32())).toBe("CORRUPT_MESSAGE");
      }),
    );
  });
});

/** CRC-32C by its definition. */
const bitByBit = (bytes: Uint8Array) => {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
};

describe("checksums", () => {
  it("agree with the published check values", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
    expect(xxh32(new Uint8Array())).toBe(0x02cc5d05);
    expect(xxh32(Buffer.from("Nobody inspects the spammish repetition"))).toBe(0xe2293b2f);
  });

  it("of any stretch of any buffer are those of the definition, bit by bit", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(9), fc.nat(9), (bytes, from, fromEnd) => {
        const start = Math.min(from, bytes.length);
        const end = Math.max(start, bytes.length - fromEnd);
        expect(crc32c(bytes, start, end)).toBe(bitByBit(bytes.subarray(start, end)));
      }),
      { numRuns: 200 },
    );
  });

  it("stay the same when long data begin to be folded", () => {
    const bytes = Uint8Array.from({ length: 70_011 }, (_, index) => Math.imul(index, 2_654_435_761) >>> 13);
    const lengths = [1_023, 2_047, 2_048, 2_049, 4_000, 32_767, 32_768, 32_769, 34_815, 34_816, 34_817, 65_536, 70_000];
    const checksums = () => lengths.map((length) => crc32c(bytes, 11, 11 + length));
    const before = checksums();
    expect(before).toEqual(lengths.map((length) => bitByBit(bytes.subarray(11, 11 + length))));
    for (let times = 0; times < 130; times++) crc32c(bytes);
    expect(checksums()).toEqual(before);
  });
});
