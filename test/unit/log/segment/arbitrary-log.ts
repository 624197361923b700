import fc from "fast-check";
import type { SegmentLimits } from "../../../../shared/log/segment/segment-builder.ts";
import { COMPRESSION_TYPES } from "../../../../shared/record/batch-header.ts";
import { HotLog, record } from "./hot-log.ts";

const arbitraryAppend = fc.record({
  batches: fc.array(
    fc.array(
      fc.record({
        key: fc.option(fc.nat(8)),
        size: fc.option(fc.nat(3_000)),
        timestamp: fc.oneof(fc.nat(120), fc.constant(-1)),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    { minLength: 1, maxLength: 3 },
  ),
  compressionType: fc.constantFrom(...COMPRESSION_TYPES),
  asObject: fc.boolean(),
  producerId: fc.option(fc.nat(3)),
  barrierBefore: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
});

/** A hot log of items of all kinds, and limits that cut it into several segments with a few index entries each. */
export const arbitraryLog: fc.Arbitrary<{ readonly log: HotLog; readonly limits: SegmentLimits }> = fc
  .tuple(
    fc.array(arbitraryAppend, { minLength: 1, maxLength: 25 }),
    fc.nat(1_000),
    fc.record({
      segmentBytes: fc.integer({ min: 1, max: 60_000 }),
      indexBytes: fc.constantFrom(40, 1_000, 2 ** 20),
      indexIntervalBytes: fc.constantFrom(0, 100, 1_000, 4_096),
    }),
  )
  .map(([appends, start, limits]) => {
    const log = new HotLog(start);
    const sequences = new Map<number, number>();
    for (const { batches, compressionType, asObject, producerId, barrierBefore } of appends) {
      if (barrierBefore) log.barrier(log.leaderEpoch + 1, 500);
      const made = batches.map((records) =>
        records.map(({ key, size, timestamp }) =>
          record(key === null ? null : `k${key}`, size === null ? null : "v".repeat(size), timestamp),
        ),
      );
      if (producerId === null) {
        log.append(made, { compressionType, asObject });
        continue;
      }
      const baseSequence = sequences.get(producerId) ?? 0;
      sequences.set(producerId, baseSequence + made[0]!.length);
      log.append(made.slice(0, 1), { compressionType, asObject, producerId, producerEpoch: 0, baseSequence });
    }
    return { log, limits };
  });
