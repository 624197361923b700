import { KafkaError } from "../kafka/kafka-error.ts";

/** Bytes that the records of one batch may take once decompressed, unless a caller says less. */
export const MAX_DECOMPRESSED_BYTES = 64 * 1024 * 1024;

/** Records that a batch may hold: each costs a reader some hundred bytes of memory, however well it compressed. */
export const MAX_BATCH_RECORDS = 1_000_000;

/** The error for records that would decompress to more than `maxBytes`. */
export function tooLarge(maxBytes: number): KafkaError {
  return new KafkaError("MESSAGE_TOO_LARGE", `the records decompress to more than ${maxBytes} bytes`, {
    hint: "send smaller batches",
  });
}
