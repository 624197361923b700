import { KafkaError } from "../kafka/kafka-error.ts";
import type { BatchHeader } from "./batch-header.ts";
import { decompress } from "./compression.ts";
import { MAX_BATCH_RECORDS, MAX_DECOMPRESSED_BYTES } from "./decompression-limit.ts";
import { RECORD_BATCH_OVERHEAD } from "./layout.ts";
import type { LogRecord, RecordHeader } from "./record.ts";
import { VarintReader, varintSize, writeVarint } from "./varint.ts";

/** No record is smaller: length, attributes, two deltas, key, value and header count take a byte each. */
const SMALLEST_RECORD_BYTES = 7;

/** The length of a field that is null. */
const NULL = -1;

const NO_HEADERS: readonly RecordHeader[] = [];

/**
 * Walks through the records of one batch: after each `next`, the fields tell of the record it stands on. Walking makes no
 * object, `record` does; its values are views into the batch, or into what was decompressed of it.
 */
export class RecordReader {
  offset = 0;
  /** Milliseconds since the epoch. */
  timestamp = 0;

  readonly #header: BatchHeader;
  readonly #reader: VarintReader;
  /** The same bytes again, for reading text; made when a record has headers. */
  #text: Buffer | undefined;
  #left: number;
  #startAt = 0;
  #bodyAt = 0;
  #offsetDeltaAt = 0;
  #keyAt = 0;
  #keyLength = NULL;
  #valueAt = 0;
  #valueLength = NULL;
  #headersAt = 0;
  #headerCount = 0;

  /** Bytes that were decompressed for it; 0 for a batch that is not compressed. */
  readonly decompressedBytes: number;

  /** Errors: CORRUPT_MESSAGE for what does not decompress, MESSAGE_TOO_LARGE for what grows too large by it. */
  constructor(bytes: Uint8Array, at: number, header: BatchHeader, maxDecompressedBytes = MAX_DECOMPRESSED_BYTES) {
    this.#header = header;
    this.#left = header.recordCount;
    const payload = bytes.subarray(at + RECORD_BATCH_OVERHEAD, at + header.sizeInBytes);
    const records =
      header.compressionType === "none" ? payload : decompress(header.compressionType, payload, maxDecompressedBytes);
    this.decompressedBytes = records === payload ? 0 : records.length;
    if (header.recordCount * SMALLEST_RECORD_BYTES > records.length) {
      throw invalid(`${header.recordCount} records do not fit into ${records.length} bytes`);
    }
    if (header.recordCount > MAX_BATCH_RECORDS) {
      throw new KafkaError("MESSAGE_TOO_LARGE", `${header.recordCount} records are more than ${MAX_BATCH_RECORDS}`, {
        hint: "send smaller batches",
      });
    }
    this.#reader = new VarintReader(records, 0, records.length);
  }

  get hasKey(): boolean {
    return this.#keyLength !== NULL;
  }

  /** Whether the record has a value; one without is a tombstone where a topic is compacted. */
  get hasValue(): boolean {
    return this.#valueLength !== NULL;
  }

  /** The record's key. A view. */
  get key(): Uint8Array | null {
    return this.#view(this.#keyAt, this.#keyLength);
  }

  /**
   * Moves to the next record; false behind the last. Errors: INVALID_RECORD where counts, lengths or deltas disagree with
   * the batch's header or with each other; CORRUPT_MESSAGE where a number is none.
   */
  next(): boolean {
    const reader = this.#reader;
    if (this.#left === 0) {
      if (reader.at !== reader.end) throw invalid("bytes are left behind the records");
      return false;
    }
    this.#left--;
    this.#startAt = reader.at;
    const length = reader.nextInt32();
    this.#bodyAt = reader.at;
    const end = reader.at + length;
    if (length < 0 || end > reader.end) throw invalid(`a record claims ${length} bytes`);
    reader.at++;
    const timestampDelta = reader.next();
    this.#offsetDeltaAt = reader.at;
    const { baseOffset, lastOffset, baseTimestamp, maxTimestamp, timestampType } = this.#header;
    this.offset = baseOffset + reader.nextInt32();
    if (this.offset < baseOffset || this.offset > lastOffset) throw invalid("an offset is outside of its batch");
    this.timestamp = timestampType === "LogAppendTime" ? maxTimestamp : baseTimestamp + timestampDelta;
    if (!Number.isSafeInteger(this.timestamp)) throw new KafkaError("CORRUPT_MESSAGE", "a timestamp is beyond 2^53");
    this.#keyLength = this.#field(end);
    this.#keyAt = reader.at - Math.max(this.#keyLength, 0);
    this.#valueLength = this.#field(end);
    this.#valueAt = reader.at - Math.max(this.#valueLength, 0);
    this.#headerCount = reader.nextInt32();
    this.#headersAt = reader.at;
    if (this.#headerCount !== 0) this.#skipHeaders(end);
    if (reader.at !== end) throw invalid("a record's length disagrees with its fields");
    return true;
  }

  /** The record that `next` moved to. */
  record(): LogRecord {
    return {
      offset: this.offset,
      timestamp: this.timestamp,
      key: this.#view(this.#keyAt, this.#keyLength),
      value: this.#view(this.#valueAt, this.#valueLength),
      headers: this.#headerCount === 0 ? NO_HEADERS : this.#headers(),
    };
  }

  /** The record as it is encoded, its length first. A view. */
  encoded(): Uint8Array {
    return this.#reader.bytes.subarray(this.#startAt, this.#reader.at);
  }

  /** The record encoded for a batch of another base timestamp; all else as it is. A copy. */
  encodedFor(baseTimestamp: number): Uint8Array {
    const { bytes, at } = this.#reader;
    const delta = this.timestamp - baseTimestamp;
    const bodySize = 1 + varintSize(delta) + at - this.#offsetDeltaAt;
    const encoded = new Uint8Array(varintSize(bodySize) + bodySize);
    const bodyAt = writeVarint(encoded, 0, bodySize);
    encoded[bodyAt] = bytes[this.#bodyAt]!;
    encoded.set(bytes.subarray(this.#offsetDeltaAt, at), writeVarint(encoded, bodyAt + 1, delta));
    return encoded;
  }

  #headers(): RecordHeader[] {
    const { bytes, at } = this.#reader;
    this.#text ??= Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    const reader = new VarintReader(bytes, this.#headersAt, at);
    const headers = new Array<RecordHeader>(this.#headerCount);
    for (let index = 0; index < headers.length; index++) {
      const keyLength = reader.nextInt32();
      const key = this.#text.toString("utf8", reader.at, reader.at + keyLength);
      reader.at += keyLength;
      const valueLength = reader.nextInt32();
      headers[index] = { key, value: this.#view(reader.at, valueLength) };
      reader.at += Math.max(valueLength, 0);
    }
    return headers;
  }

  #skipHeaders(end: number): void {
    const count = this.#headerCount;
    if (count < 0 || count > end - this.#reader.at) throw invalid(`a record claims ${count} headers`);
    for (let index = 0; index < count; index++) {
      if (this.#field(end) === NULL) throw invalid("a header has no key");
      this.#field(end);
    }
  }

  /** Moves past a field that ends at `end` at the latest; answers its length, or NULL. */
  #field(end: number): number {
    const reader = this.#reader;
    const length = reader.nextInt32();
    if (length === NULL) return NULL;
    if (length < 0 || reader.at + length > end) throw invalid(`a field claims ${length} bytes`);
    reader.at += length;
    return length;
  }

  #view(from: number, length: number): Uint8Array | null {
    return length === NULL ? null : this.#reader.bytes.subarray(from, from + length);
  }
}

function invalid(message: string): KafkaError {
  return new KafkaError("INVALID_RECORD", message);
}
