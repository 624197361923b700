import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { ColdLog } from "../../../../shared/broker/cold/cold-log.ts";
import { assign } from "../../../../shared/broker/consumers/assign-instance.ts";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { pollInstance } from "../../../../shared/broker/consumers/poll-instance.ts";
import { type FetchRequest, fetch } from "../../../../shared/broker/fetch.ts";
import { type PollPosition, poll } from "../../../../shared/broker/groups/poll.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { v2RecordList } from "../../../../shared/http/routes/v2-consumer-record-list.ts";
import { DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES, MAX_RAW_FETCH_BYTES } from "../../../../shared/kafka/limits.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { type LargeLog, largeColdLog } from "../../../fixtures/large-cold-log.ts";
import { tieredParts } from "../../../fixtures/tiered-log.ts";

const MIB = 2 ** 20;

class CountingStore extends MemorySegmentStore {
  requests = 0;
  bytes = 0;

  override async getObject(key: string, range?: { start: number; end: number }) {
    this.requests++;
    const found = await super.getObject(key, range);
    this.bytes += found?.length ?? 0;
    return found;
  }
}

async function large(log: LargeLog) {
  const segmentStore = new CountingStore();
  const parts = tieredParts({ segmentStore });
  return { parts, segmentStore, ...(await largeColdLog(parts, log)) };
}

/** Reads on up to `end`; `broker` answers which process the next request reaches. */
async function readThrough(broker: () => Broker, end: number, change: Partial<FetchRequest> = {}): Promise<number> {
  let bytes = 0;
  for (let offset = 0; offset < end; ) {
    const request = { topic: "t", partition: 0, offset, maxBytes: DEFAULT_FETCH_BYTES, minBytes: 1, maxWaitMs: 0 };
    const fetched = await fetch(broker(), { ...request, ...change });
    if (!fetched.ok) throw new Error(fetched.refusal.message);
    offset = fetched.value.nextOffset;
    bytes += fetched.value.batches.length;
  }
  return bytes;
}

const CONSUMER = { maxBytes: DEFAULT_FETCH_BYTES, maxColdBytes: MAX_FETCH_BYTES };

const MAX_ANSWERS = 500;

/** Polls until nothing comes, as the face does it: what was read is last. Answers how many records came. */
async function pollThrough(broker: () => Broker, groupId: string): Promise<number> {
  let member: { memberId?: string; memberEpoch: number; positions: readonly PollPosition[] };
  member = { memberEpoch: 0, positions: [] };
  let records = 0;
  for (let polls = 0; polls < MAX_ANSWERS; polls++) {
    const polled = await poll(broker(), {
      ...CONSUMER,
      ...member,
      groupId,
      topics: ["t"],
      rebalanceTimeoutMs: 60_000,
      clientId: "c",
      clientHost: "h",
      commits: true,
      autoOffsetReset: "earliest",
      maxWaitMs: 0,
    });
    if (!polled.ok) throw new Error(polled.refusal.message);
    const { memberId, memberEpoch, positions, found } = polled.value;
    if (found.length === 0 && records > 0) return records;
    const ends = new Map<number, number>();
    for (const { position, fetched } of found) {
      if (!fetched.ok) throw new Error(fetched.refusal.message);
      ends.set(position.partition, fetched.value.nextOffset);
      records += fetched.value.nextOffset - position.offset;
    }
    const stay = positions.filter(({ partition }) => !ends.has(partition));
    const read = positions.filter(({ partition }) => ends.has(partition));
    const moved = read.map((each) => ({ ...each, offset: ends.get(each.partition)! }));
    member = { memberId, memberEpoch, positions: [...stay, ...moved] };
  }
  throw new Error(`${MAX_ANSWERS} polls did not come to the end`);
}

/** An instance of the REST Proxy v2, likewise. */
async function readThroughInstance(broker: () => Broker, groupId: string, partitions: number): Promise<number> {
  const name = { groupId, instanceId: "one" };
  const config = { format: "binary", autoOffsetReset: "earliest", autoCommit: false, minBytes: 1 } as const;
  await createInstance(broker(), { ...name, ...config, clientHost: "/" });
  const all = Array.from({ length: partitions }, (_, partition) => ({ topic: "t", partition }));
  await assign(broker(), name, all);
  let records = 0;
  for (let reads = 0; reads < MAX_ANSWERS; reads++) {
    const request = { ...name, ...CONSUMER, formats: ["binary" as const], timeoutMs: 1 };
    const read = await pollInstance(broker(), request, (found, format) => v2RecordList(found, format, MAX_FETCH_BYTES));
    if (!read.ok) throw new Error(JSON.stringify(read.refusal));
    if (read.value.texts.length === 0) return records;
    records += read.value.texts.length;
  }
  throw new Error(`${MAX_ANSWERS} reads did not come to the end`);
}

const LOGS: LargeLog[] = [
  { segments: 1, segmentBytes: 40 * MIB, recordsPerBatch: 64 },
  { segments: 4, segmentBytes: 9 * MIB, recordsPerBatch: 1 },
  { segments: 8, segmentBytes: 4 * MIB, recordsPerBatch: 10 },
  { segments: 10, segmentBytes: 3 * MIB, recordsPerBatch: 700 },
];

describe("requests to the segment store", () => {
  it.each(LOGS)(
    "are at most one for two MiB that a process reads in order: $segments segments of $segmentBytes",
    async (log) => {
      for (const maxBytes of [1, 64 * 1024, DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES]) {
        // One batch at a time would only take longer.
        if (maxBytes === 1 && log.recordsPerBatch === 1) continue;
        const { parts, segmentStore, localLogStartOffset, coldBytes } = await large(log);
        const broker = openBroker(parts);
        expect(await readThrough(() => broker, localLogStartOffset, { maxBytes })).toBe(coldBytes);
        expect(segmentStore.requests / (coldBytes / MIB)).toBeLessThanOrEqual(0.5);
        // Nothing is read twice; beside it there are the indexes.
        expect(segmentStore.bytes / coldBytes).toBeLessThan(1.02);
      }
    },
  );

  it("are at most one for two MiB where every answer comes from another process, and may be as large as answers are", async () => {
    const { parts, segmentStore, localLogStartOffset, coldBytes } = await large(LOGS[0]!);
    const processes = Array.from({ length: 5 }, () => openBroker(parts));
    let next = 0;
    const hop = () => processes[next++ % processes.length]!;
    await readThrough(hop, localLogStartOffset, { maxColdBytes: MAX_FETCH_BYTES });
    expect(segmentStore.requests / (coldBytes / MIB)).toBeLessThanOrEqual(0.5);
  });

  it("are at most one for two MiB where every answer comes from a process that knows nothing, and is of batches alone", async () => {
    const { parts, segmentStore, localLogStartOffset, coldBytes } = await large({
      ...LOGS[0]!,
      segmentBytes: 45 * MIB,
    });
    await readThrough(() => openBroker(parts), localLogStartOffset, { maxColdBytes: MAX_RAW_FETCH_BYTES });
    expect(segmentStore.requests / (coldBytes / MIB)).toBeLessThanOrEqual(0.5);
  });

  it("stay few for many readers of one process, whose memory is bounded", async () => {
    const { parts, segmentStore, localLogStartOffset } = await large(LOGS[0]!);
    // An eighth of everything, so that the log is larger than what is kept of it.
    const limits = { firstBytes: MIB / 4, mostBytes: MIB, totalBytes: 8 * MIB };
    const opened = openBroker(parts);
    const broker = { ...opened, cold: new ColdLog(opened, limits) };
    const offsets = Array.from({ length: 24 }, (_, reader) => Math.floor((reader * localLogStartOffset) / 24));
    let read = 0;
    while (offsets.some((offset) => offset < localLogStartOffset)) {
      for (const [reader, offset] of offsets.entries()) {
        if (offset >= localLogStartOffset) continue;
        const request = { topic: "t", partition: 0, offset, maxBytes: MIB / 8, minBytes: 1, maxWaitMs: 0 };
        const fetched = await fetch(broker, request);
        if (!fetched.ok) throw new Error(fetched.refusal.message);
        offsets[reader] = fetched.value.nextOffset;
        read += fetched.value.batches.length;
        expect(broker.cold.ahead.bytesKept).toBeLessThanOrEqual(8 * MIB);
      }
    }
    expect(segmentStore.requests / (read / (MIB / 8))).toBeLessThanOrEqual(0.5);
  });

  describe.each([8, 32])("of consumers of %i partitions that are cold", (partitions) => {
    const log = { segments: 1, segmentBytes: 9 * MIB, recordsPerBatch: 64, partitions };
    it("are at most one for two MiB in one process, and one for each MiB where every answer comes from another", async () => {
      const { parts, segmentStore, coldBytes, localLogStartOffset } = await large(log);
      const one = openBroker(parts);
      const readers = [() => one, () => openBroker(parts)].flatMap((broker, index) => [
        () => pollThrough(broker, `g${index}`),
        () => readThroughInstance(broker, `v${index}`, partitions),
      ]);
      const found: { readonly records: number; readonly perMib: number }[] = [];
      for (const read of readers) {
        segmentStore.requests = 0;
        const records = await read();
        found.push({ records, perMib: segmentStore.requests / (coldBytes / MIB) });
      }
      expect(found.map(({ records }) => records)).toEqual(readers.map(() => partitions * (localLogStartOffset + 1)));
      const [polled, read, polledElsewhere, readElsewhere] = found.map(({ perMib }) => perMib);
      expect(Math.max(polled!, read!)).toBeLessThanOrEqual(0.5);
      expect(Math.max(polledElsewhere!, readElsewhere!)).toBeLessThanOrEqual(1);
    }, 60_000);
  });
});
