import type { Random } from "../runtime/random.ts";

/**
 * How long to wait after the n-th slot in a row was lost to another writer (from 1), in milliseconds. The first retry
 * goes out at once: the winner's item told where the log ends now. Then the wait doubles, with full jitter, so that
 * writers in different processes spread over a time in which all of them can win.
 * Source: https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/
 */
export function conflictBackoffMs(lostInARow: number, random: Random): number {
  if (lostInARow <= 1) return 0;
  const ceilingMs = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** (lostInARow - 2));
  return random.next() * ceilingMs;
}

const FIRST_BACKOFF_MS = 8;
const MAX_BACKOFF_MS = 256;
