import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { electLeader } from "../../shared/broker/elect-leader.ts";
import { deleteRecords } from "../../shared/broker/tiering/delete-records.ts";
import { segmentKeys } from "../../shared/log/segment/segment-keys.ts";
import { COMPRESSION_TYPES } from "../../shared/record/batch-header.ts";
import { batchHeaders } from "../../shared/record/read-batch-header.ts";
import { FileSegmentStore } from "../../shared/storage/file/file-segment-store.ts";
import { S3SegmentStore } from "../../shared/storage/s3/s3-segment-store.ts";
import { localClient, startTables } from "../fixtures/dynamodb.ts";
import { temporaryFolder } from "../fixtures/service.ts";
import { DAY_MS, HOUR_MS } from "../unit/broker/tiering/kept-logs.ts";
import { dumpLogs, readLeaderEpochs, type SegmentDump } from "./dump-log-segments.ts";
import { KeptOnStores, type KeptSegment } from "./kept-on-stores.ts";
import { KINDS, Log } from "./kinds-of-topics.ts";
import { gapsIn, linesOfBatches, linesOfIndexes, linesOfProducers } from "./printed-lines.ts";

/** Inside of a batch, inside of a segment. */
const DELETED_BEFORE = 9;
const ROUNDS = 4;
/** Who leads which topic from after which round on. */
const ELECTIONS: Readonly<Record<string, readonly number[]>> = {
  "leader-epochs": [2, 3, 1],
  compact: [1, 2, 2],
  large: [1, 1, 3],
};

const folder = temporaryFolder();
let tables: Awaited<ReturnType<typeof startTables>>;
let world: KeptOnStores;
const logs: Record<string, Log> = {};
const kept: Record<string, { readonly logStartOffset: number; readonly segments: readonly KeptSegment[] }> = {};
let dumped: SegmentDump;
/** What the tool printed of each log's `.log`s. */
const printed: Record<string, string[]> = {};

/** Every kind of topic, as producers, elections, deletions and the upkeep leave it in the buckets, nine days later. */
beforeAll(async () => {
  const moto = process.env["MILLRACE_TEST_MOTO"];
  if (moto === undefined) throw new Error("MILLRACE_TEST_MOTO is not set: run npm run test:compat");
  tables = await startTables();
  const bucket = new S3SegmentStore("kept", { client: localClient(moto), endpoint: new URL(moto), isPathStyle: true });
  await bucket.createBucket();
  const files = ["second", "third"].map((name) => new FileSegmentStore(`${folder.path}/${name}`));
  world = await KeptOnStores.start(tables.client, [bucket, ...files]);
  for (const [name, { configs, replicationFactor }] of Object.entries(KINDS)) {
    logs[name] = new Log(world, name, await world.create(name, configs, replicationFactor));
  }
  await world.keep();
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, log] of Object.entries(logs)) await KINDS[name]!.append(log, round);
    await world.pass(2 * HOUR_MS);
    await elect(round);
    if (round === 1) await world.pass(6 * HOUR_MS);
    // DynamoDB deletes what was hot before the last round.
    if (round === 2) {
      await world.pass(DAY_MS);
      await world.pass(7 * DAY_MS);
      expect(await world.expire()).toBeGreaterThan(100);
      // Who appends next finds a log that is looked after, so that all its items expire.
      await world.pass(HOUR_MS);
      world.forget();
    }
  }
  const deletion = { topic: "records-deleted", partition: 0, beforeOffset: DELETED_BEFORE };
  expect(await deleteRecords(world.broker(1), deletion)).toMatchObject({ ok: true });
  // What others took the place of, and what hot items pointed to, goes some time later.
  for (let hours = 0; hours < 3; hours++) await world.pass(HOUR_MS);
  world.forget();
  for (const [name, { topicId }] of Object.entries(logs)) {
    const { logStartOffset } = await world.registration(topicId);
    kept[name] = { logStartOffset, segments: await world.segments(topicId, 1, logStartOffset) };
  }
  dumped = dumpLogs(Object.fromEntries(Object.entries(kept).map(([name, { segments }]) => [name, segments])));
  let lines: string[] = [];
  for (const line of dumped.log.printed) {
    const [, name] = /^Dumping .*\/(.*)-0\/\d+\.log$/.exec(line) ?? [];
    if (name === undefined) lines.push(line);
    else lines = printed[name] ??= [];
  }
}, 120_000);

afterAll(async () => {
  await tables.stop();
  folder.remove();
});

async function elect(round: number): Promise<void> {
  for (const [name, leaders] of Object.entries(ELECTIONS)) {
    const leader = leaders[round];
    const log = logs[name]!;
    if (leader === undefined || leader === log.leader) continue;
    const elected = await electLeader(world.broker(leader), { topicId: log.topicId, partition: 0, leader });
    expect(elected).toMatchObject({ ok: true, value: { leader } });
    log.leader = leader;
  }
}

/** Records as the tool printed them: neither our reading of batches nor of indexes has a part in it. */
function recordsIn(lines: readonly string[]): Map<number, { key: string | null; value: string | null }> {
  const records = new Map<number, { key: string | null; value: string | null }>();
  for (const line of lines) {
    const [, offset, keySize, valueSize, rest = ""] =
      /^\| offset: (\d+) .*? keySize: (-?\d+) valueSize: (-?\d+) .*? headerKeys: \[.*?\](.*)$/.exec(line) ?? [];
    if (offset === undefined || rest.startsWith(" LeaderChange")) continue;
    const [, key, value] = /^(?: key: (.*?))?(?: payload: (.*))?$/.exec(rest)!;
    records.set(Number(offset), {
      key: keySize === "-1" ? null : key!,
      value: valueSize === "-1" ? null : value!,
    });
  }
  return records;
}

/** The batches from a log's start up to its hot part, byte for byte. */
const cold = (bytes: Uint8Array, logStartOffset: number, localLogStartOffset: number) =>
  batchHeaders(bytes)
    .filter(({ header }) => header.lastOffset >= logStartOffset && header.lastOffset < localLogStartOffset)
    .map(({ header, at }) => Buffer.from(bytes.subarray(at, at + header.sizeInBytes)).toString("latin1"));

const headersOf = (segments: readonly KeptSegment[]) =>
  segments.flatMap(({ log }) => batchHeaders(log).map(({ header }) => header));

describe("Kafka's DumpLogSegments, of what the upkeep wrote", () => {
  it("has nothing to complain of but the gaps that compaction left", () => {
    const gaps = Object.values(kept).flatMap(({ segments }) => segments.map(({ log }) => gapsIn(log)));
    const files = gaps.filter((found) => found.length > 0);
    expect(files.length).toBeGreaterThan(4);
    const told = dumped.log.complaints.map((line) => line.replace(/ in .*/, ""));
    expect(told.sort()).toEqual([...files.flat(), ...files.map(() => "Non-consecutive offsets")].sort());
    expect(dumped.indexes.complaints).toEqual([]);
    expect(dumped.producers.complaints).toEqual([]);
    expect(dumped.sanity.complaints).toEqual([]);
    const sane = dumped.sanity.printed.filter((line) => /( passed sanity check\.| is empty\.)$/.test(line));
    expect(sane).toHaveLength(2 * Object.values(kept).flatMap(({ segments }) => segments).length);
  });

  it("reads in every index and snapshot what is in it", () => {
    const segments = Object.values(kept).flatMap((log) => log.segments);
    const isTold = (line: string) => !line.startsWith("Dumping ") && !line.endsWith(" is empty.");
    expect(dumped.indexes.printed.filter(isTold)).toEqual(segments.flatMap(linesOfIndexes));
    expect(dumped.indexes.printed.filter(isTold).length).toBeGreaterThan(100);
    expect(dumped.producers.printed.filter(isTold)).toEqual(segments.flatMap(linesOfProducers));
    expect(dumped.producers.printed.filter(isTold).length).toBeGreaterThan(10);
  });

  it.each(Object.keys(KINDS))(
    "reads the batches that a fetch returns, and the records that were sent: %s",
    async (name) => {
      const { logStartOffset, segments } = kept[name]!;
      const log = logs[name]!;
      expect(segments.length).toBeGreaterThan(0);
      const lines = segments.flatMap((each) => [
        `Log starting offset: ${each.baseOffset}`,
        ...linesOfBatches(each.log),
      ]);
      expect(printed[name]).toEqual(lines);
      // Whoever is asked, and whichever bucket it reads.
      for (const id of KINDS[name]!.replicationFactor === 3 ? [1, 2, 3] : [1]) {
        const { batches, localLogStartOffset } = await world.fetchAll(name, logStartOffset, id);
        expect(cold(batches, logStartOffset, localLogStartOffset)).toEqual(
          segments.flatMap((each) => cold(each.log, logStartOffset, localLogStartOffset)),
        );
        expect(localLogStartOffset).toBeGreaterThan(segments.at(-1)!.baseOffset);
      }
      const records = recordsIn(printed[name]!);
      for (const [offset, found] of records) expect([offset, found]).toEqual([offset, log.sent.get(offset)]);
      const last = segments.at(-1)!.content.lastOffset;
      const inSegments = [...log.sent.keys()].filter((offset) => offset >= logStartOffset && offset <= last);
      const isCompacted = KINDS[name]!.configs["cleanup.policy"] !== undefined;
      if (!isCompacted) expect(inSegments.filter((offset) => !records.has(offset))).toEqual([]);
      else expect(inSegments.filter((offset) => !records.has(offset)).length).toBeGreaterThan(5);
    },
  );

  it("reads batches of all codecs, barriers, LogAppendTime, and batches that had been objects", () => {
    expect(new Set(headersOf(kept["compressed"]!.segments).map(({ compressionType }) => compressionType))).toEqual(
      new Set(COMPRESSION_TYPES),
    );
    expect(headersOf(kept["leader-epochs"]!.segments).filter(({ isControl }) => isControl)).toHaveLength(4);
    const stamped = headersOf(kept["log-append-time"]!.segments);
    expect(new Set(stamped.map(({ timestampType }) => timestampType))).toEqual(new Set(["LogAppendTime"]));
    // Cut by their size, all of them copied.
    expect(kept["large"]!.segments.length).toBeGreaterThan(ROUNDS);
    expect(
      headersOf(kept["large"]!.segments).filter(({ sizeInBytes }) => sizeInBytes > 100_000).length,
    ).toBeGreaterThan(10);
  });

  it("reads a segment within which the log begins since its records were deleted", () => {
    const { logStartOffset, segments } = kept["records-deleted"]!;
    expect(logStartOffset).toBe(DELETED_BEFORE);
    const [first] = segments;
    expect(first!.baseOffset).toBeLessThan(DELETED_BEFORE);
    expect(first!.content.lastOffset).toBeGreaterThan(DELETED_BEFORE);
  });

  it("finds each key's last record alone where a topic is compacted, and no tombstone that had its time", () => {
    for (const name of ["compact", "tombstones-gone", "compact-and-delete"]) {
      const { segments, logStartOffset } = kept[name]!;
      const records = recordsIn(printed[name]!);
      const cleaned = Math.max(...segments.map(({ metadata }) => metadata.compactedThrough ?? 0));
      const newest = new Map<string, number>();
      for (const [offset, { key }] of [...logs[name]!.sent].sort(([one], [other]) => one - other)) {
        if (offset >= logStartOffset && offset < cleaned) newest.set(key!, offset);
      }
      const tombstones = [...newest.values()].filter((offset) => logs[name]!.sent.get(offset)!.value === null);
      const kindOf = new Set([...records.keys()].filter((offset) => offset < cleaned));
      expect(cleaned).toBeGreaterThan(50);
      const expected = [...newest.values()].filter((offset) => name === "compact" || !tombstones.includes(offset));
      expect([...kindOf].sort((one, other) => one - other)).toEqual(expected.sort((one, other) => one - other));
      if (name === "compact") expect(tombstones.length).toBeGreaterThan(0);
    }
    expect(kept["compact-and-delete"]!.logStartOffset).toBeGreaterThan(0);
  });

  it("finds transactions' batches where they were, whatever their keys", () => {
    const { segments } = kept["compact-transactions"]!;
    expect(headersOf(segments).filter(({ isTransactional }) => isTransactional)).toHaveLength(ROUNDS);
    const records = recordsIn(printed["compact-transactions"]!);
    expect([...records.values()].filter(({ value }) => value === "in a transaction")).toHaveLength(ROUNDS);
  });

  it("finds the producers of a log, the one that is silent for long too, in its last snapshot", () => {
    for (const name of ["idempotent", "compact-idempotent"]) {
      const snapshot = linesOfProducers(kept[name]!.segments.at(-1)!);
      expect(snapshot).toHaveLength(3);
      expect(snapshot.filter((line) => line.includes("producerEpoch: 1 "))).toHaveLength(1);
    }
    expect(headersOf(kept["compact-idempotent"]!.segments).filter(({ recordCount }) => recordCount === 0)).not.toEqual(
      [],
    );
  });
});

it("Kafka finds in a leader-epoch-checkpoint where each leader's epoch began", () => {
  const { segments } = kept["leader-epochs"]!;
  const barriers = headersOf(segments).filter(({ isControl }) => isControl);
  const { printed: lines, complaints } = readLeaderEpochs(segments.at(-1)!.indexes.leaderEpochCheckpoint);
  expect(lines).toEqual(barriers.map((header) => `${header.partitionLeaderEpoch} ${header.baseOffset}`));
  expect(lines).toHaveLength(4);
  expect(complaints).toEqual([]);
});

it("nothing lies in a bucket but the segments that are read", async () => {
  for (const [name, { topicId }] of Object.entries(logs)) {
    const registered = await world.registered(topicId);
    const ids = kept[name]!.segments.map(({ metadata }) => metadata.segmentId);
    expect(registered.map(({ segmentId }) => segmentId)).toEqual(ids);
    const keys = registered.flatMap((segment) => Object.values(segmentKeys(segment))).sort();
    const buckets = await world.keys(topicId);
    // The last item of a log stays hot, and with it what its segment's items point to.
    const objects = kept[name]!.segments.at(-1)!.itemObjects;
    const all = [...keys, ...objects].sort();
    const holders = KINDS[name]!.replicationFactor === 3 ? [all, all, all] : [all, [], []];
    expect(buckets).toEqual(holders);
  }
});
