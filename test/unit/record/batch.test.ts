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

  it("can carry a control record", () => {
    const bytes = encodeControlBatch("LEADER_CHANGE", Buffer.from("x"), 5);
    const header = readBatchHeader(bytes);
    expect(header.isControl).toBe(true);
    expect(readControlRecord(decodeRecords(bytes, 0, header)[0]!).type).toBe("LEADER_CHANGE");
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
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }), (value) => {
        const bytes = new Uint8Array(10);
        const end = writeVarint(bytes, 0, value);
        expect(end).toBe(varintSize(value));
        expect(new VarintReader(bytes, 0, end).next()).toBe(value);
      }),
    );
  });
});

describe("checksums", () => {
  it("agree with the published check values", () => {
    expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283);
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(xxh32(new Uint8Array())).toBe(0x02cc5d05);
    expect(xxh32(Buffer.from("Nobody inspects the spammish repetition"))).toBe(0xe2293b2f);
  });
});
