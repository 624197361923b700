import { randomFillSync, randomInt } from "node:crypto";

/** Randomness, as an argument: the simulation brings its own. */
export interface Random {
  /** A float in [0, 1). */
  next(): number;
  /** `length` random bytes. */
  bytes(length: number): Uint8Array;
}

/** Random bytes drawn ahead: one call into the system for hundreds of ids. */
const pool = Buffer.alloc(8 * 1024);
let used = pool.length;

export const systemRandom: Random = {
  next: () => randomInt(2 ** 47) / 2 ** 47,
  bytes: (length) => {
    if (length > pool.length) return randomFillSync(new Uint8Array(length));
    if (used + length > pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const bytes = Uint8Array.prototype.slice.call(pool, used, used + length);
    // What was handed out is never handed out again, not even by a mistake in the counting.
    pool.fill(0, used, used + length);
    used += length;
    return bytes;
  },
};
