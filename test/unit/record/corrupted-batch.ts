import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import type { CompressionType } from "../../../shared/record/batch-header.ts";
import { crc32c } from "../../../shared/record/crc32c.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { writeInt32 } from "../../../shared/record/int64.ts";
import { AT, CRC_FROM } from "../../../shared/record/layout.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { type BatchRules, validateProducedBatch } from "../../../shared/record/validate-produced-batch.ts";

export const RULES: BatchRules = {
  maxMessageBytes: 1_048_588,
  maxDecompressedBytes: 64 * 1024 * 1024,
  compacted: false,
  timestampBeforeMaxMs: Number.MAX_SAFE_INTEGER,
  timestampAfterMaxMs: 3_600_000,
  judgesTimestamps: true,
  now: 2 ** 45,
};

export const record = (value: string, key: Uint8Array | null = null) => ({
  key,
  value: Buffer.from(value),
  headers: [],
  timestamp: 1_700_000_000_000,
});
export const batch = (compressionType: CompressionType = "none") =>
  Buffer.from(encodeBatch([record("one"), record("two")], { compressionType }));

/** The code of the KafkaError that it throws; anything else it throws fails the test. */
export function codeOf(attempt: () => unknown): string {
  try {
    attempt();
    return "accepted";
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

export const validate = (bytes: Uint8Array, rules: Partial<BatchRules> = {}) =>
  codeOf(() => {
    for (const { header, at } of batchHeaders(bytes)) validateProducedBatch(bytes, at, header, { ...RULES, ...rules });
  });

/** The batch with a header field changed and its CRC made right again: only the field lies. */
export function lying(change: (bytes: Buffer) => void, bytes: Buffer = batch()): Buffer {
  change(bytes);
  writeInt32(bytes, AT.crc, crc32c(bytes, CRC_FROM));
  return bytes;
}

/** A batch that claims one record and whose compressed records are `body`. */
export function compressed(code: number, body: Uint8Array): Buffer {
  const head = Buffer.from(encodeBatch([record("x")])).subarray(0, AT.records);
  const bytes = Buffer.concat([head, body]);
  return lying((whole) => {
    whole[AT.attributes + 1] = code;
    writeInt32(whole, AT.batchLength, whole.length - 12);
  }, bytes);
}
