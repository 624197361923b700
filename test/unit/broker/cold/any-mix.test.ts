import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { ColdLog } from "../../../../shared/broker/cold/cold-log.ts";
import { fetch } from "../../../../shared/broker/fetch.ts";
import { listOffsets, MAX_TIMESTAMP } from "../../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { type LogItem, logKey } from "../../../../shared/log/log-item.ts";
import { READ_AHEAD } from "../../../../shared/log/segment/read-ahead.ts";
import { decodeRecords } from "../../../../shared/record/decode-batch.ts";
import { batchHeaders, verifyCrc } from "../../../../shared/record/read-batch-header.ts";
import { topicOf } from "../../../fixtures/broker.ts";
import { copyItems, moveLocalStart, removeItems, tieredParts } from "../../../fixtures/tiered-log.ts";
import { arbitraryLog } from "../../log/segment/arbitrary-log.ts";
import type { HotLog } from "../../log/segment/hot-log.ts";

interface Seen {
  readonly offset: number;
  readonly timestamp: number;
  readonly value: string | undefined;
}

function recordsOf(batches: Uint8Array): Seen[] {
  return batchHeaders(batches).flatMap(({ header, at }) => {
    verifyCrc(batches, at, header);
    if (header.isControl) return [];
    return decodeRecords(batches, at, header).map(({ offset, timestamp, value }) => ({
      offset,
      timestamp,
      value: value === null ? undefined : Buffer.from(value).toString(),
    }));
  });
}

/** What every item has, as one would read it without any store. */
async function whole(log: HotLog): Promise<Seen[]> {
  const seen: Seen[] = [];
  for (const item of log.items) {
    const { payload } = item;
    if (payload.kind === "inline") seen.push(...recordsOf(payload.batches));
    if (payload.kind !== "object") continue;
    const bytes = (await log.read(payload.object))!;
    seen.push(...recordsOf(bytes).map((record) => ({ ...record, offset: record.offset + item.baseOffset })));
  }
  return seen;
}

async function readOn(broker: Broker, from: number, maxBytes: number): Promise<Seen[] | string> {
  const seen: Seen[] = [];
  for (let offset = from; ; ) {
    const fetched = await fetch(broker, { topic: "t", partition: 0, offset, maxBytes, minBytes: 1, maxWaitMs: 0 });
    if (!fetched.ok) return fetched.refusal.code;
    const { batches, nextOffset, highWatermark } = fetched.value;
    const records = recordsOf(batches).filter((record) => record.offset >= offset);
    if (records.some((record) => record.offset >= highWatermark)) return "above the highWatermark";
    if (batches.length > maxBytes && batchHeaders(batches).length > 1) return "more than maxBytes";
    seen.push(...records);
    if (nextOffset === offset) return seen;
    offset = nextOffset;
  }
}

/** Places in a log, as parts of its length. */
const part = fc.double({ min: 0, max: 1, noNaN: true });

const arbitraryMix = fc.record({
  made: arbitraryLog,
  tiered: part,
  localFrom: part,
  logStart: fc.option(part),
  /** Another copy of a stretch, cut in another way. */
  double: fc.option(fc.tuple(part, part, fc.integer({ min: 1, max: 20_000 }))),
  /** So small that segments are read by their indexes, in many windows that push each other out. */
  readAhead: fc.constantFrom(READ_AHEAD, { firstBytes: 300, mostBytes: 1_500, totalBytes: 4_000 }),
  reads: fc.array(fc.tuple(part, fc.constantFrom(1, 200, 3_000, 1 << 20)), { minLength: 1, maxLength: 6 }),
  timestamps: fc.array(fc.nat(125), { minLength: 1, maxLength: 8 }),
});

type Mix = typeof arbitraryMix extends fc.Arbitrary<infer T> ? T : never;

/** The log in stores: up to a place in segments, from a place on in items. */
async function stored({ made: { log, limits }, tiered, localFrom, logStart, double, readAhead }: Mix) {
  const parts = tieredParts();
  const broker = openBroker(parts);
  const topicId = await topicOf(broker, "t");
  const key = logKey(topicId, 0);
  for (const [name, bytes] of log.objects) await parts.segmentStore.putObject(name, bytes);
  for (const item of log.items) await parts.logStore.putItem(key, item);
  const { items } = log;
  const below = (place: number, of: readonly LogItem[] = items) => of.slice(0, Math.floor(place * of.length));
  const cold = below(tiered, items.slice(0, -1));
  await copyItems(broker, key, cold, { limits });
  if (double !== null) {
    const [from, to, segmentBytes] = double;
    const some = below(to, cold).slice(below(from, cold).length);
    await copyItems(broker, key, some, { limits: { ...limits, segmentBytes } });
  }
  const first = items[0]!.baseOffset;
  const endOf = (some: readonly LogItem[]) => (some.at(-1)?.lastOffset ?? first - 1) + 1;
  const local = endOf(below(localFrom, cold));
  const start = logStart === null ? first : first + Math.floor(logStart * (log.logEndOffset - first));
  const [registration] = await parts.metadataStore.getPartitions(topicId);
  await parts.metadataStore.updatePartition({
    ...registration!,
    logStartOffset: start,
    partitionEpoch: 1 + registration!.partitionEpoch,
  });
  broker.topics.invalidate("t");
  if (local > first) await moveLocalStart(broker, key, Math.max(local, start), endOf(cold));
  await removeItems(broker, key, Math.min(local, items.findLast(({ baseOffset }) => baseOffset <= start)!.baseOffset));
  const reader = openBroker(parts);
  return { broker: { ...reader, cold: new ColdLog(reader, readAhead) }, start };
}

describe("any mix of segments and items", () => {
  it("is read as the whole log, from any offset on, with any maxBytes", () =>
    fc.assert(
      fc.asyncProperty(arbitraryMix, async (mix) => {
        const { broker, start } = await stored(mix);
        const expected = await whole(mix.made.log);
        for (const [place, maxBytes] of mix.reads) {
          const offset = start + Math.floor(place * (mix.made.log.logEndOffset - start));
          const seen = await readOn(broker, offset, maxBytes);
          expect(seen).toEqual(expected.filter((record) => record.offset >= offset));
        }
        expect(await readOn(broker, mix.made.log.logEndOffset + 1, 1)).toBe("OFFSET_OUT_OF_RANGE");
        if (start > 0) expect(await readOn(broker, start - 1, 1)).toBe("OFFSET_OUT_OF_RANGE");
      }),
      { numRuns: 150 },
    ));

  it("is searched by timestamp as the whole log", () =>
    fc.assert(
      fc.asyncProperty(arbitraryMix, async (mix) => {
        const { broker, start } = await stored(mix);
        const present = (await whole(mix.made.log)).filter(({ offset }) => offset >= start);
        const largest = Math.max(-1, ...present.map(({ timestamp }) => timestamp));
        for (const timestamp of [...mix.timestamps, MAX_TIMESTAMP]) {
          const wanted = timestamp === MAX_TIMESTAMP ? largest : timestamp;
          const found = wanted < 0 ? undefined : present.find((record) => record.timestamp >= wanted);
          const listed = await listOffsets(broker, { topic: "t", partition: 0, timestamp });
          expect(listed.ok ? [listed.value.offset, listed.value.timestamp] : listed.refusal).toEqual([
            found?.offset ?? -1,
            found?.timestamp ?? -1,
          ]);
        }
      }),
      { numRuns: 150 },
    ));
});
