import { KafkaError } from "../kafka/kafka-error.ts";

const MAX_LENGTH = 512;

/** A file's name has 255 bytes on most file systems, and the file store adds to it while it writes. */
const MAX_SEGMENT_LENGTH = 200;

/** Errors: INVALID_REQUEST for a key that is not plain segments divided by `/`: it must never leave its folder. */
export function checkObjectKey(key: string): void {
  if (!isPlain(key)) throw new KafkaError("INVALID_REQUEST", `${JSON.stringify(key.slice(0, 100))} is no object key`);
}

/** Errors: INVALID_REQUEST for what no object key begins with. A prefix may end anywhere in a key. */
export function checkObjectPrefix(prefix: string): void {
  if (isPlain(`${prefix}x`)) return;
  throw new KafkaError("INVALID_REQUEST", `${JSON.stringify(prefix.slice(0, 100))} begins no object key`);
}

function isPlain(key: string): boolean {
  if (key.length > MAX_LENGTH) return false;
  return key.split("/").every((segment) => {
    const isShort = segment.length <= MAX_SEGMENT_LENGTH;
    return isShort && /^[A-Za-z0-9._-]+$/.test(segment) && segment !== "." && segment !== "..";
  });
}
