import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt64 } from "../../../shared/record/int64.ts";
import { AT } from "../../../shared/record/layout.ts";
import { readBatchHeader } from "../../../shared/record/read-batch-header.ts";
import { validateProducedBatch } from "../../../shared/record/validate-produced-batch.ts";
import { batch, lying, RULES, record, validate } from "./corrupted-batch.ts";

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

  it("may have no timestamp", () => {
    const timeless = encodeBatch([{ ...record("x"), timestamp: -1 }]);
    expect(validate(timeless, { timestampBeforeMaxMs: 1000 })).toBe("accepted");
  });

  it("whose maxTimestamp is wrong has it told, so that it can be corrected", () => {
    const bytes = lying((whole) => writeInt64(whole, AT.maxTimestamp, 1));
    expect(validateProducedBatch(bytes, 0, readBatchHeader(bytes), RULES).maxTimestamp).toBe(1_700_000_000_000);
  });
});
