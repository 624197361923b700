import { KafkaError } from "../kafka/kafka-error.ts";
import { type BatchOptions, encodeBatch } from "./encode-batch.ts";
import { readInt16, writeInt16 } from "./int64.ts";
import type { LogRecord } from "./record.ts";

/** Types of control records by number. Source: org.apache.kafka.common.record.ControlRecordType */
const CONTROL_RECORD_TYPES = [
  "ABORT",
  "COMMIT",
  "LEADER_CHANGE",
  "SNAPSHOT_HEADER",
  "SNAPSHOT_FOOTER",
  "KRAFT_VERSION",
  "KRAFT_VOTERS",
] as const;
export type ControlRecordType = (typeof CONTROL_RECORD_TYPES)[number];

/** The version of the keys that are written; later ones may grow behind the type. */
const KEY_VERSION = 0;
const KEY_BYTES = 4;

/** What the key of a control record says. */
export interface ControlRecordKey {
  readonly version: number;
  /** undefined for one that this version does not know: skip it, as Kafka does. */
  readonly type: ControlRecordType | undefined;
}

/** A control batch with one record: its key holds the key's version and the type, both int16. Times in milliseconds. */
export function encodeControlBatch(
  type: ControlRecordType,
  value: Uint8Array,
  timestamp: number,
  options: BatchOptions = {},
): Uint8Array {
  const key = new Uint8Array(KEY_BYTES);
  writeInt16(key, 0, KEY_VERSION);
  writeInt16(key, 2, CONTROL_RECORD_TYPES.indexOf(type));
  return encodeBatch([{ key, value, headers: [], timestamp }], { ...options, isControl: true });
}

/** What a control batch's record is. Errors: INVALID_RECORD for a key that is none of a control record. */
export function readControlRecord(record: LogRecord): ControlRecordKey {
  if (record.key === null || record.key.length < KEY_BYTES) {
    throw new KafkaError("INVALID_RECORD", "a control record's key is shorter than 4 bytes");
  }
  const version = readInt16(record.key, 0);
  if (version < 0) throw new KafkaError("INVALID_RECORD", `a control record's key has version ${version}`);
  return { version, type: CONTROL_RECORD_TYPES[readInt16(record.key, 2)] };
}
