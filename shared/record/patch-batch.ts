import { crc32c } from "./crc32c.ts";
import { readInt16, readInt32, writeInt16, writeInt32, writeInt64 } from "./int64.ts";
import { AT, CRC_FROM, LOG_APPEND_TIME_BIT, LOG_OVERHEAD } from "./layout.ts";

/** Gives the batch at `at` its place in a log, in place. Both fields lie outside of the CRC. */
export function patchBatch(bytes: Uint8Array, at: number, baseOffset: number, partitionLeaderEpoch: number): void {
  writeInt64(bytes, at + AT.baseOffset, baseOffset);
  writeInt32(bytes, at + AT.partitionLeaderEpoch, partitionLeaderEpoch);
}

/** Makes `now` (milliseconds since the epoch) the timestamp of all records of the batch at `at`, in place. */
export function stampLogAppendTime(bytes: Uint8Array, at: number, now: number): void {
  writeInt16(bytes, at + AT.attributes, readInt16(bytes, at + AT.attributes) | LOG_APPEND_TIME_BIT);
  setMaxTimestamp(bytes, at, now);
}

/** Corrects the batch's maxTimestamp (milliseconds since the epoch), in place. */
export function setMaxTimestamp(bytes: Uint8Array, at: number, maxTimestamp: number): void {
  writeInt64(bytes, at + AT.maxTimestamp, maxTimestamp);
  const end = at + LOG_OVERHEAD + readInt32(bytes, at + AT.batchLength);
  writeInt32(bytes, at + AT.crc, crc32c(bytes, at + CRC_FROM, end));
}
