import { KafkaError } from "../kafka/kafka-error.ts";

const MAX_LENGTH = 512;

/** Errors: INVALID_REQUEST for a key that is not plain segments divided by `/`: it must never leave its folder. */
export function checkObjectKey(key: string): void {
  const segments = key.split("/");
  const isPlain = segments.every((segment) => /^[A-Za-z0-9._-]+$/.test(segment) && segment !== "." && segment !== "..");
  if (!isPlain || key.length > MAX_LENGTH)
    throw new KafkaError("INVALID_REQUEST", `${JSON.stringify(key)} is no object key`);
}
