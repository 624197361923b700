import { describe, expect, it } from "vitest";
import { decodeProducerSnapshot } from "../../shared/log/segment/producer-snapshot.ts";
import { COMPRESSION_TYPES } from "../../shared/record/batch-header.ts";
import { deleteHorizonOf } from "../../shared/record/filter-batch.ts";
import { batchHeaders } from "../../shared/record/read-batch-header.ts";
import { compactSegments, type Segment } from "../unit/log/segment/compact-segments.ts";
import { buildSegments, HotLog, LIMITS, record } from "../unit/log/segment/hot-log.ts";
import { dumpSegments, readLeaderEpochs, type SegmentDump } from "./dump-log-segments.ts";
import { gapsIn, linesOfBatches, linesOfIndexes, linesOfProducers } from "./printed-lines.ts";

const NOW = 1_700_000_000_000;
const DAY_MS = 86_400_000;
const TIMEOUT_MS = 180_000;

/** A log with everything that a log may have: all compressions, inline and in objects, idempotent producers, barriers, tombstones. */
function everyKindOfLog(): HotLog {
  const log = new HotLog();
  for (const [round, compressionType] of COMPRESSION_TYPES.entries()) {
    const producer = { producerId: 1_000 + round, producerEpoch: round };
    for (let n = 0; n < 30; n++) {
      const at = NOW + round * 1_000 + n;
      const headers = [{ key: "trace", value: n % 2 === 0 ? null : Buffer.from(String(n)) }];
      const records = [
        record(`key-${n % 7}`, `value ${n} `.repeat(n), at, headers),
        record(`other-${n}`, "x", at - 500),
      ];
      if (n % 10 === 4) records.push(record(`key-${n % 7}`, null, at));
      const options = { compressionType, asObject: n % 3 === 0 };
      if (n % 2 === 0) log.append([records], options);
      else log.append([records], { ...options, ...producer, baseSequence: n * 3 });
      if (n % 8 === 0) log.append([[record("one", "1", at)], [record("two", "2", at + 1)]], options);
    }
    log.append([[record(`last-${round}`, "stamped", NOW + 50_000)]], {
      compressionType,
      timestampType: "LogAppendTime",
    });
    log.barrier(log.leaderEpoch + 1 + round, NOW + 900_000);
  }
  log.append([[record("in-transaction", "1", NOW + 60_000)]], {
    producerId: 7,
    producerEpoch: 0,
    baseSequence: 0,
    isTransactional: true,
  });
  log.append([[record("key-3", null, NOW + 60_001), record("end", "1", NOW + 60_002)]]);
  return log;
}

/** Checks all that the tool printed against our own reading. Standard error is compared whole: what it has to complain of fails the test. */
function expectAgreement(dumped: SegmentDump, segments: readonly Segment[], complaints: readonly string[] = []): void {
  const told = ({ printed }: { printed: readonly string[] }) => printed.filter((line) => !line.startsWith("Dumping "));
  const lines = segments.flatMap(({ baseOffset, log }) => [
    `Log starting offset: ${baseOffset}`,
    ...linesOfBatches(log),
  ]);
  expect(told(dumped.log)).toEqual(lines);
  expect(dumped.log.complaints).toEqual(complaints);
  const entries = segments.flatMap(linesOfIndexes);
  expect(told(dumped.indexes).filter((line) => !line.endsWith(" is empty."))).toEqual(entries);
  expect(dumped.indexes.complaints).toEqual([]);
  const sane = told(dumped.sanity).filter(
    (line) => line.endsWith(" passed sanity check.") || line.endsWith(" is empty."),
  );
  expect(sane).toHaveLength(2 * segments.length);
  expect(dumped.sanity.complaints).toEqual([]);
  expect(told(dumped.producers)).toEqual(segments.flatMap(linesOfProducers));
  expect(dumped.producers.complaints).toEqual([]);
}

describe("Kafka's DumpLogSegments", () => {
  it(
    "reads every kind of segment that tiering makes, their indexes and snapshots, and has nothing to complain of",
    async () => {
      const segments = await buildSegments(everyKindOfLog(), {
        ...LIMITS,
        segmentBytes: 6_000,
        indexIntervalBytes: 1_000,
      });
      expect(segments.length).toBeGreaterThan(3);
      expectAgreement(dumpSegments(segments), segments);
    },
    TIMEOUT_MS,
  );

  it(
    "reads every kind of segment that compaction makes: tombstones with a horizon, empty batches, segments joined",
    async () => {
      const log = everyKindOfLog();
      const tiered = await buildSegments(log, { ...LIMITS, segmentBytes: 6_000, indexIntervalBytes: 1_000 });
      const producers = decodeProducerSnapshot(tiered.at(-1)!.indexes.producerSnapshot);
      const lastOffsets = new Map(producers.map(({ producerId, lastOffset }) => [producerId, lastOffset]));
      const first = await compactSegments(tiered, { now: NOW, lastOffsets });
      const later = await compactSegments(first.segments, {
        now: NOW + DAY_MS,
        lastOffsets: new Map(),
        together: true,
      });
      const headers = first.segments.flatMap(({ log: bytes }) =>
        batchHeaders(bytes).map(({ header, at }) => ({ header, horizon: deleteHorizonOf(bytes, at) })),
      );
      expect(headers.filter(({ header }) => header.recordCount === 0).length).toBeGreaterThan(3);
      expect(headers.filter(({ horizon }) => horizon === NOW + DAY_MS).length).toBeGreaterThan(0);
      expect(headers.filter(({ header }) => header.isControl)).toHaveLength(COMPRESSION_TYPES.length);
      expect(
        new Set(headers.filter(({ header }) => header.recordCount > 0).map(({ header }) => header.compressionType))
          .size,
      ).toBe(5);
      for (const { segments } of [first, later]) {
        const dumped = dumpSegments(segments);
        const found = segments.map(({ log: bytes }) => gapsIn(bytes)).filter((gaps) => gaps.length > 0);
        const [gaps, titles] = [true, false].map((isGap) =>
          dumped.log.complaints.filter((line) => line.startsWith("  ") === isGap),
        );
        expect([...gaps!].sort()).toEqual(found.flat().sort());
        expect(titles!.map((line) => line.replace(/ in .*/, ""))).toEqual(
          Array(found.length).fill("Non-consecutive offsets"),
        );
        expectAgreement(dumped, segments, dumped.log.complaints);
      }
      expect(later.segments).toHaveLength(1);
    },
    TIMEOUT_MS,
  );

  it(
    "would say so if an index pointed elsewhere, or a batch were damaged",
    async () => {
      const [segment] = await buildSegments(everyKindOfLog(), { ...LIMITS, indexIntervalBytes: 1_000 });
      const damage = (part: "offsetIndex" | "timeIndex", at: number) => {
        const bytes = Uint8Array.from(segment!.indexes[part]);
        bytes[at]! ^= 1;
        return dumpSegments([{ ...segment!, indexes: { ...segment!.indexes, [part]: bytes } }]).indexes.complaints;
      };
      expect(damage("offsetIndex", 3)).not.toEqual([]);
      expect(damage("timeIndex", 7)).not.toEqual([]);
      const log = Uint8Array.from(segment!.log);
      log[70]! ^= 1;
      expect(
        dumpSegments([{ ...segment!, log }]).log.printed.filter((line) => line.includes("isvalid: false")),
      ).toHaveLength(1);
    },
    TIMEOUT_MS,
  );
});

it(
  "Kafka finds the leader epochs of a log in its segments' checkpoints",
  async () => {
    const segments = await buildSegments(everyKindOfLog(), { ...LIMITS, segmentBytes: 6_000 });
    const { printed, complaints } = readLeaderEpochs(segments.at(-1)!.indexes.leaderEpochCheckpoint);
    expect(printed).toEqual(["0 0", "1 72", "3 145", "6 218", "10 291", "15 364"]);
    expect(complaints).toEqual([]);
  },
  TIMEOUT_MS,
);
