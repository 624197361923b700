import { type BatchOptions, encodeBatch } from "./encode-batch.ts";
import { readInt16, writeInt16 } from "./int64.ts";
import type { LogRecord } from "./record.ts";

/** Types of control records by number. Source: org.apache.kafka.common.record.ControlRecordType */
export const CONTROL_RECORD_TYPES = ["ABORT", "COMMIT", "LEADER_CHANGE"] as const;
export type ControlRecordType = (typeof CONTROL_RECORD_TYPES)[number];

/** A control batch with one record: its key holds the key's version (0) and the type, both int16. */
export function encodeControlBatch(
  type: ControlRecordType,
  value: Uint8Array,
  timestamp: number,
  options: BatchOptions = {},
): Uint8Array {
  const key = new Uint8Array(4);
  writeInt16(key, 2, CONTROL_RECORD_TYPES.indexOf(type));
  return encodeBatch([{ key, value, headers: [], timestamp }], { ...options, isControl: true });
}

/** The type of a control batch's record; undefined for one that this version does not know. */
export function controlRecordType(record: LogRecord): ControlRecordType | undefined {
  if (record.key === null || record.key.length < 4) return undefined;
  return CONTROL_RECORD_TYPES[readInt16(record.key, 2)];
}
