import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt32, writeInt64 } from "../../../shared/record/int64.ts";
import { AT, CRC_FROM } from "../../../shared/record/layout.ts";
import { compressLz4Frame } from "../../../shared/record/lz4-frame.ts";
import { readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { compressSnappy } from "../../../shared/record/snappy.ts";
import { batch, codeOf, compressed, lying, record, validate } from "./corrupted-batch.ts";

const manyRecords = Array.from({ length: 30 }, (_, index) => ({
  ...record(`value ${index} `.repeat(index % 7), index % 3 === 0 ? null : Buffer.from(`key ${index}`)),
  headers: index % 4 === 0 ? [{ key: "header", value: index % 8 === 0 ? null : Buffer.from("x") }] : [],
}));

/** A batch of one record whose bytes behind its length are `body`. */
const ofRecord = (body: number[]) => compressed(0, Buffer.from([body.length * 2, ...body]));

describe("a hostile batch", () => {
  for (const compressionType of COMPRESSION_TYPES) {
    it(`cut off anywhere is CORRUPT_MESSAGE (${compressionType})`, () => {
      const bytes = batch(compressionType);
      for (let length = 1; length < bytes.length; length++)
        expect(validate(bytes.subarray(0, length))).toBe("CORRUPT_MESSAGE");
    });

    it(`with any bit flipped behind the CRC is refused (${compressionType})`, () => {
      const bytes = batch(compressionType);
      for (let bit = CRC_FROM * 8; bit < bytes.length * 8; bit++) {
        const flipped = Buffer.from(bytes);
        flipped[bit >> 3]! ^= 1 << (bit & 7);
        expect(["CORRUPT_MESSAGE", "UNSUPPORTED_COMPRESSION_TYPE"]).toContain(validate(flipped));
      }
    });

    it(`with any bit of its records flipped and a CRC to match is read or refused (${compressionType})`, () => {
      const whole = Buffer.from(encodeBatch(manyRecords, { compressionType }));
      for (let bit = AT.recordCount * 8; bit < whole.length * 8; bit += 5) {
        const flipped = lying((bytes) => {
          bytes[bit >> 3]! ^= 1 << (bit & 7);
        }, Buffer.from(whole));
        codeOf(() => decodeRecords(flipped, 0, readBatchHeader(flipped), { maxDecompressedBytes: 1024 * 1024 }));
        validate(flipped);
      }
    });

    it(`whose records are cut off, with a length and a CRC to match, is refused (${compressionType})`, () => {
      const whole = Buffer.from(encodeBatch(manyRecords, { compressionType }));
      for (let length = AT.records; length < whole.length; length += 3) {
        const cut = lying(
          (bytes) => writeInt32(bytes, AT.batchLength, length - 12),
          Buffer.from(whole.subarray(0, length)),
        );
        expect(["CORRUPT_MESSAGE", "INVALID_RECORD"]).toContain(validate(cut));
      }
    });

    it(`of random bytes with a right CRC never does worse than be refused (${compressionType})`, () => {
      const code = COMPRESSION_TYPES.indexOf(compressionType);
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(20), (body, recordCount) => {
          const bytes = compressed(code, body);
          writeInt32(bytes, AT.recordCount, recordCount);
          codeOf(() => decodeRecords(bytes, 0, readBatchHeader(bytes)));
        }),
        { numRuns: 300 },
      );
    });
  }

  it("with a wrong CRC is CORRUPT_MESSAGE", () => {
    const bytes = batch();
    bytes[AT.crc]! ^= 1;
    expect(codeOf(() => verifyCrc(bytes, 0, readBatchHeader(bytes)))).toBe("CORRUPT_MESSAGE");
  });

  it("whose length lies is CORRUPT_MESSAGE", () => {
    for (const length of [-1, 0, 10, 2 ** 31 - 1]) {
      const bytes = batch();
      writeInt32(bytes, AT.batchLength, length);
      expect(validate(bytes)).toBe("CORRUPT_MESSAGE");
    }
  });

  it("of an older format is CORRUPT_MESSAGE", () => {
    const bytes = batch();
    bytes[AT.magic] = 1;
    expect(validate(bytes)).toBe("CORRUPT_MESSAGE");
  });

  it("whose counts disagree is INVALID_RECORD", () => {
    expect(validate(lying((bytes) => writeInt32(bytes, AT.recordCount, 3)))).toBe("INVALID_RECORD");
    expect(validate(lying((bytes) => writeInt32(bytes, AT.recordCount, 1)))).toBe("INVALID_RECORD");
    expect(validate(lying((bytes) => writeInt32(bytes, AT.lastOffsetDelta, 5)))).toBe("INVALID_RECORD");
    expect(
      validate(
        lying((bytes) => {
          writeInt32(bytes, AT.recordCount, 2 ** 31 - 1);
          writeInt32(bytes, AT.lastOffsetDelta, 2 ** 31 - 2);
        }),
      ),
    ).toBe("INVALID_RECORD");
  });

  it("with numbers beyond 2^53 is CORRUPT_MESSAGE", () => {
    expect(validate(lying((bytes) => writeInt32(bytes, AT.producerId, 0x7fffffff)))).toBe("CORRUPT_MESSAGE");
    const atTheEnd = lying((bytes) => writeInt64(bytes, AT.baseOffset, Number.MAX_SAFE_INTEGER));
    expect(codeOf(() => readBatchHeader(atTheEnd))).toBe("CORRUPT_MESSAGE");
    const late = Buffer.from(encodeBatch([record("x"), { ...record("y"), timestamp: record("x").timestamp + 1 }]));
    const tooLate = lying((bytes) => writeInt64(bytes, AT.baseTimestamp, Number.MAX_SAFE_INTEGER), late);
    expect(validate(tooLate, { judgesTimestamps: false })).toBe("CORRUPT_MESSAGE");
  });

  it("whose record's fields disagree is INVALID_RECORD", () => {
    expect(validate(ofRecord([0, 0, 0, 1, 1, 0]))).toBe("accepted");
    const wrong = {
      "another offset": [0, 0, 2, 1, 1, 0],
      "an offset before the batch": [0, 0, 1, 1, 1, 0],
      "a key of negative length": [0, 0, 0, 3, 1, 0],
      "a value beyond the record": [0, 0, 0, 1, 20, 0],
      "headers of a negative count": [0, 0, 0, 1, 1, 1],
      "a header without a key": [0, 0, 0, 1, 1, 2, 1, 1],
      "bytes behind the headers": [0, 0, 0, 1, 1, 0, 0],
    };
    for (const [what, body] of Object.entries(wrong))
      expect([what, validate(ofRecord(body))]).toEqual([what, "INVALID_RECORD"]);
  });

  it("with a varint longer than Kafka reads is CORRUPT_MESSAGE", () => {
    const noKeyInSixBytes = [0x81, 0x80, 0x80, 0x80, 0x80, 0x00];
    expect(validate(ofRecord([0, 0, 0, ...noKeyInSixBytes, 1, 0]))).toBe("CORRUPT_MESSAGE");
    const offsetOfElevenBytes = [...new Array(10).fill(0x80), 0];
    expect(validate(ofRecord([0, ...offsetOfElevenBytes, 0, 1, 1, 0]))).toBe("CORRUPT_MESSAGE");
    const lengthOf33Bits = [0xff, 0xff, 0xff, 0xff, 0x1f];
    expect(validate(ofRecord([0, 0, 0, ...lengthOf33Bits, 1, 0]))).toBe("CORRUPT_MESSAGE");
  });

  it("of more records than a reader's memory bears is MESSAGE_TOO_LARGE, and costs no such memory", () => {
    const recordCount = 9_000_000;
    const bytes = compressed(4, zstdCompressSync(new Uint8Array(7 * recordCount)));
    writeInt32(bytes, AT.recordCount, recordCount);
    writeInt32(bytes, AT.lastOffsetDelta, recordCount - 1);
    const before = process.memoryUsage().heapUsed;
    expect(validate(lying(() => {}, bytes))).toBe("MESSAGE_TOO_LARGE");
    expect(codeOf(() => decodeRecords(bytes, 0, readBatchHeader(bytes)))).toBe("MESSAGE_TOO_LARGE");
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(32 * 1024 * 1024);
  });

  it("that decompresses to far more than it may is MESSAGE_TOO_LARGE, whatever the compression", () => {
    const zeros = new Uint8Array(40 * 1024 * 1024);
    const bombs: [number, Uint8Array][] = [
      [1, gzipSync(zeros)],
      [2, compressSnappy(zeros)],
      [3, compressLz4Frame(zeros)],
      [4, zstdCompressSync(zeros)],
    ];
    for (const [code, body] of bombs) {
      const bytes = compressed(code, body);
      const decode = () => decodeRecords(bytes, 0, readBatchHeader(bytes), { maxDecompressedBytes: 1024 * 1024 });
      expect(codeOf(decode)).toBe("MESSAGE_TOO_LARGE");
    }
  });
});
