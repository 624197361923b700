import { gzipSync, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { COMPRESSION_TYPES, type CompressionType } from "../../../shared/record/batch-header.ts";
import { crc32c } from "../../../shared/record/crc32c.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt32, writeInt64 } from "../../../shared/record/int64.ts";
import { AT, CRC_FROM } from "../../../shared/record/layout.ts";
import { compressLz4Frame } from "../../../shared/record/lz4-frame.ts";
import { batchHeaders, readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { compressSnappy } from "../../../shared/record/snappy.ts";
import { type BatchRules, validateProducedBatch } from "../../../shared/record/validate-produced-batch.ts";

const RULES: BatchRules = {
  maxMessageBytes: 1_048_588,
  compacted: false,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  judgesTimestamps: true,
  now: 2 ** 45,
};

const record = (value: string, key: Uint8Array | null = null) => ({
  key,
  value: Buffer.from(value),
  headers: [],
  timestamp: 1_700_000_000_000,
});
const batch = (compressionType: CompressionType = "none") =>
  Buffer.from(encodeBatch([record("one"), record("two")], { compressionType }));

/** The code of the KafkaError that it throws; anything else it throws fails the test. */
function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "accepted";
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

const validate = (bytes: Uint8Array, rules: Partial<BatchRules> = {}) =>
  codeOf(() => {
    for (const { header, at } of batchHeaders(bytes)) validateProducedBatch(bytes, at, header, { ...RULES, ...rules });
  });

/** The batch with a header field changed and its CRC made right again: only the field lies. */
function lying(change: (bytes: Buffer) => void, bytes = batch()): Buffer {
  change(bytes);
  writeInt32(bytes, AT.crc, crc32c(bytes, CRC_FROM));
  return bytes;
}

/** A batch that claims one record and whose compressed records are `body`. */
function compressed(code: number, body: Uint8Array): Buffer {
  const head = Buffer.from(encodeBatch([record("x")])).subarray(0, AT.records);
  const bytes = Buffer.concat([head, body]);
  return lying((whole) => {
    whole[AT.attributes + 1] = code;
    writeInt32(whole, AT.batchLength, whole.length - 12);
  }, bytes);
}

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

  it("whose snappy block claims gigabytes takes no gigabytes", () => {
    const claimsFourGiB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]);
    const bytes = compressed(2, claimsFourGiB);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => decodeRecords(bytes, 0, readBatchHeader(bytes)))).toMatch(/CORRUPT_MESSAGE|MESSAGE_TOO_LARGE/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * 1024 * 1024);
  });
});

describe("a batch that a producer sent", () => {
  it("is taken as it is when nothing is wrong with it", () => {
    for (const compressionType of COMPRESSION_TYPES) expect(validate(batch(compressionType))).toBe("accepted");
  });

  it("larger than max.message.bytes is MESSAGE_TOO_LARGE", () => {
    expect(validate(batch(), { maxMessageBytes: 50 })).toBe("MESSAGE_TOO_LARGE");
  });

  it("must not be a control batch, transactional, or stamped by a log", () => {
    expect(validate(encodeBatch([record("x")], { isControl: true }))).toBe("INVALID_RECORD");
    expect(
      validate(encodeBatch([record("x")], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 })),
    ).toBe("INVALID_REQUEST");
    expect(
      validate(
        lying((bytes) => {
          bytes[AT.attributes + 1]! |= 8;
        }),
      ),
    ).toBe("INVALID_RECORD");
  });

  it("of an idempotent producer needs an epoch and a sequence", () => {
    expect(validate(encodeBatch([record("x")], { producerId: 1 }))).toBe("INVALID_RECORD");
  });

  it("needs keys where the topic is compacted", () => {
    expect(validate(batch(), { compacted: true })).toBe("INVALID_RECORD");
    expect(validate(encodeBatch([record("x", Buffer.from("k"))]), { compacted: true })).toBe("accepted");
  });

  it("with a timestamp out of bounds is INVALID_TIMESTAMP, unless the topic stamps its own", () => {
    const future = encodeBatch([{ ...record("x"), timestamp: RULES.now + 3_600_001 }]);
    expect(validate(future)).toBe("INVALID_TIMESTAMP");
    expect(validate(future, { judgesTimestamps: false })).toBe("accepted");
    expect(validate(batch(), { timestampBeforeMaxMs: 1000 })).toBe("INVALID_TIMESTAMP");
  });

  it("whose maxTimestamp is wrong has it told, so that it can be corrected", () => {
    const bytes = lying((whole) => writeInt64(whole, AT.maxTimestamp, 1));
    expect(validateProducedBatch(bytes, 0, readBatchHeader(bytes), RULES)).toBe(1_700_000_000_000);
  });
});
