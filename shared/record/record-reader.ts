import { KafkaError } from "../kafka/kafka-error.ts";
import type { BatchHeader } from "./batch-header.ts";
import { decompress } from "./compression.ts";
import { MAX_DECOMPRESSED_BYTES } from "./decompression-limit.ts";
import { RECORD_BATCH_OVERHEAD } from "./layout.ts";
import type { LogRecord, RecordHeader } from "./record.ts";
import { VarintReader } from "./varint.ts";

/** No record is smaller: length, attributes, two deltas, key, value and header count take a byte each. */
const SMALLEST_RECORD_BYTES = 7;

const NO_HEADERS: readonly RecordHeader[] = [];

/** Walks through the records of one batch. Values are views into the batch, or into what was decompressed of it. */
export class RecordReader {
  readonly #header: BatchHeader;
  readonly #reader: VarintReader;

  /** Errors: CORRUPT_MESSAGE for what does not decompress, MESSAGE_TOO_LARGE for what grows too large by it. */
  constructor(bytes: Uint8Array, at: number, header: BatchHeader, maxDecompressedBytes = MAX_DECOMPRESSED_BYTES) {
    this.#header = header;
    const payload = bytes.subarray(at + RECORD_BATCH_OVERHEAD, at + header.sizeInBytes);
    const records =
      header.compressionType === "none" ? payload : decompress(header.compressionType, payload, maxDecompressedBytes);
    if (header.recordCount * SMALLEST_RECORD_BYTES > records.length) {
      throw new KafkaError("INVALID_RECORD", `${header.recordCount} records do not fit into ${records.length} bytes`);
    }
    this.#reader = new VarintReader(records, 0, records.length);
  }

  /** All records. Errors: INVALID_RECORD where counts, lengths or deltas disagree with the batch's header. */
  readAll(): LogRecord[] {
    const { recordCount } = this.#header;
    const records = new Array<LogRecord>(recordCount);
    for (let index = 0; index < recordCount; index++) records[index] = this.#next();
    if (this.#reader.at !== this.#reader.end)
      throw new KafkaError("INVALID_RECORD", "bytes are left behind the records");
    return records;
  }

  #next(): LogRecord {
    const reader = this.#reader;
    const length = reader.next();
    const end = reader.at + length;
    if (length < 0 || end > reader.end) throw new KafkaError("INVALID_RECORD", `a record claims ${length} bytes`);
    reader.at++;
    const timestampDelta = reader.next();
    const offsetDelta = reader.next();
    const key = this.#bytes(end);
    const value = this.#bytes(end);
    const headers = this.#headers(end);
    if (reader.at !== end) throw new KafkaError("INVALID_RECORD", "a record's length disagrees with its fields");
    const { baseOffset, lastOffset, baseTimestamp, maxTimestamp, timestampType } = this.#header;
    const offset = baseOffset + offsetDelta;
    if (offset < baseOffset || offset > lastOffset)
      throw new KafkaError("INVALID_RECORD", "an offset is outside of its batch");
    const timestamp = timestampType === "LogAppendTime" ? maxTimestamp : baseTimestamp + timestampDelta;
    return { offset, timestamp, key, value, headers };
  }

  #headers(end: number): readonly RecordHeader[] {
    const count = this.#reader.next();
    if (count === 0) return NO_HEADERS;
    if (count < 0 || count > end - this.#reader.at)
      throw new KafkaError("INVALID_RECORD", `a record claims ${count} headers`);
    const headers: RecordHeader[] = [];
    for (let index = 0; index < count; index++) {
      const key = this.#bytes(end);
      if (key === null) throw new KafkaError("INVALID_RECORD", "a header has no key");
      headers.push({
        key: Buffer.from(key.buffer, key.byteOffset, key.length).toString("utf8"),
        value: this.#bytes(end),
      });
    }
    return headers;
  }

  #bytes(end: number): Uint8Array | null {
    const reader = this.#reader;
    const length = reader.next();
    if (length === -1) return null;
    const start = reader.at;
    if (length < 0 || start + length > end) throw new KafkaError("INVALID_RECORD", `a field claims ${length} bytes`);
    reader.at = start + length;
    return reader.bytes.subarray(start, start + length);
  }
}
