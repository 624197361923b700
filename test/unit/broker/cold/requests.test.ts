import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { ColdLog } from "../../../../shared/broker/cold/cold-log.ts";
import { type FetchRequest, fetch } from "../../../../shared/broker/fetch.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
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
});
