import { murmur2 } from "./murmur2.ts";

/** The partition of a key, as the Java producer's default partitioner has it: the same everywhere. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}
