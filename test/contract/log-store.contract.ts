import { randomInt } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../shared/log/checkpoint.ts";
import { type LogItem, type LogKey, logKey, NO_EPOCH } from "../../shared/log/log-item.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import { BATCHES_KEPT, PRODUCERS_KEPT } from "../../shared/log/producer-state.ts";

let logs = 0;
/** A log that no other test uses. */
const newLog = (): LogKey => logKey(`${crypto.randomUUID()}`, logs++);

const ALL = { maxItems: 1000, maxBytes: 64 * 1024 * 1024 };
const END = Number.MAX_SAFE_INTEGER;

export function item(baseOffset: number, change: Partial<LogItem> = {}): LogItem {
  return {
    baseOffset,
    lastOffset: baseOffset,
    recordCount: 1,
    maxTimestamp: 1_700_000_000_000,
    maxTimestampSoFar: 1_700_000_000_000,
    leaderEpoch: 0,
    stamp: 0,
    prevEpoch: NO_EPOCH,
    appendId: Buffer.alloc(16, baseOffset % 251).toString("base64url"),
    payload: { kind: "inline", batches: Buffer.from(`batch at ${baseOffset}`) },
    ...change,
  };
}

function largeItem(baseOffset: number): LogItem {
  return item(baseOffset, { payload: { kind: "inline", batches: Buffer.alloc(380 * 1024) } });
}

/** As many producers as are remembered, with numbers that do not compress: more than an item of DynamoDB holds. */
export function hugeCheckpoint(logEndOffset: number): Checkpoint {
  const batch = () => {
    const [baseSequence, baseOffset] = [randomInt(2 ** 31), randomInt(2 ** 47)];
    const timestamp = 1_700_000_000_000 + randomInt(2 ** 32);
    return { baseSequence, lastSequence: randomInt(2 ** 31), baseOffset, lastOffset: baseOffset + 9, timestamp };
  };
  const producers = Array.from({ length: PRODUCERS_KEPT }, (_, index) => ({
    producerId: index * 2 ** 20 + randomInt(2 ** 20),
    producerEpoch: randomInt(2 ** 15),
    batches: Array.from({ length: BATCHES_KEPT }, batch),
  }));
  return { logEndOffset, lastEpoch: 3, maxTimestampSoFar: 1_700_000_000_000, producers };
}

/** Looks for expired items until a bounded number of looks must have been everywhere; answers how many were deleted. */
async function sweep(store: LogStore, nowSeconds: number, maxItems: number): Promise<number> {
  let deleted = 0;
  for (let look = 0; look < 12; look++) deleted += await store.deleteExpiredItems(nowSeconds, maxItems);
  return deleted;
}

/** Comparable whatever kind of byte array an adapter gives back. */
function plain(found: LogItem | undefined): unknown {
  if (found?.payload.kind !== "inline") return found;
  return { ...found, payload: { kind: "inline", batches: Buffer.from(found.payload.batches).toString("hex") } };
}

const plainItems = (items: readonly LogItem[]) => items.map(plain);

/** What every log store does. `open` may be asked once a suite. */
export function logStoreContract(name: string, open: () => LogStore): void {
  describe(`the log store on ${name}`, () => {
    it("gives back an item as it was put", async () => {
      const [store, log] = [open(), newLog()];
      const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
      const items = [
        item(0, { payload: { kind: "inline", batches: bytes }, maxTimestampSoFar: 1_800_000_000_000 }),
        item(1, {
          lastOffset: 2 ** 50,
          leaderEpoch: 3,
          stamp: 4,
          prevEpoch: 2,
          payload: {
            kind: "object",
            object: { key: "topic/0/x.batches", sizeInBytes: 12345 },
            producerBatches: [
              {
                producerId: 7,
                producerEpoch: 1,
                baseSequence: 2 ** 31 - 1,
                lastSequence: 0,
                baseOffset: 1,
                lastOffset: 2,
                timestamp: 1_700_000_000_000,
              },
              {
                producerId: 2 ** 50,
                producerEpoch: 0,
                baseSequence: 0,
                lastSequence: 9,
                baseOffset: 3,
                lastOffset: 12,
                timestamp: -1,
              },
            ],
          },
        }),
        item(2 ** 50 + 1, {
          payload: { kind: "end-of-log" },
          recordCount: 0,
          maxTimestamp: -1,
          expiresAt: 1_900_000_000,
        }),
      ];
      for (const each of items) expect(await store.putItem(log, each)).toEqual({ kind: "written" });
      expect(plainItems((await store.readItems(log, 0, ALL)).items)).toEqual(plainItems(items));
    });

    it("refuses a slot that is taken, and tells by whom", async () => {
      const [store, log] = [open(), newLog()];
      const winner = item(0, { appendId: Buffer.alloc(16, 1).toString("base64url") });
      await store.putItem(log, winner);
      const result = await store.putItem(log, item(0, { appendId: Buffer.alloc(16, 2).toString("base64url") }));
      expect(result.kind).toBe("occupied");
      expect(plain(result.kind === "occupied" ? result.item : undefined)).toEqual(plain(winner));
    });

    it("shows a writer its own item when it puts it again, as after an answer that was lost", async () => {
      const [store, log] = [open(), newLog()];
      const own = item(0, { appendId: Buffer.alloc(16, 7).toString("base64url") });
      await store.putItem(log, own);
      const again = await store.putItem(log, own);
      expect(again.kind === "occupied" && again.item.appendId).toBe(own.appendId);
    });

    it("lets a higher stamp overwrite, and an equal or lower one not", async () => {
      const [store, log] = [open(), newLog()];
      await store.putItem(log, item(0, { stamp: 5, leaderEpoch: 5 }));
      expect((await store.putItem(log, item(0, { stamp: 5, leaderEpoch: 4 }))).kind).toBe("occupied");
      expect((await store.putItem(log, item(0, { stamp: 4, leaderEpoch: 4 }))).kind).toBe("occupied");
      expect((await store.putItem(log, item(0, { stamp: 6, leaderEpoch: 6 }))).kind).toBe("written");
      expect((await store.readItemAtOrBelow(log, 0))?.leaderEpoch).toBe(6);
    });

    it("lets exactly one of sixteen racing writers have a slot", async () => {
      const [store, log] = [open(), newLog()];
      const ids = Array.from({ length: 16 }, (_, writer) => Buffer.alloc(16, writer + 1).toString("base64url"));
      const results = await Promise.all(ids.map((appendId) => store.putItem(log, item(0, { appendId }))));
      const winner = ids[results.findIndex(({ kind }) => kind === "written")];
      expect(results.filter(({ kind }) => kind === "written")).toHaveLength(1);
      const told = results.flatMap((result) => (result.kind === "occupied" ? [result.item.appendId] : []));
      expect(told).toEqual(Array.from({ length: 15 }, () => winner));
    });

    it("lets exactly one of sixteen racing writers of an epoch overwrite debris", async () => {
      const [store, log] = [open(), newLog()];
      await store.putItem(log, item(0, { stamp: 1, leaderEpoch: 1 }));
      const ids = Array.from({ length: 16 }, (_, writer) => Buffer.alloc(16, writer + 1).toString("base64url"));
      const put = (appendId: string) => store.putItem(log, item(0, { appendId, stamp: 2, leaderEpoch: 2 }));
      const results = await Promise.all(ids.map(put));
      const winner = ids[results.findIndex(({ kind }) => kind === "written")];
      expect(results.filter(({ kind }) => kind === "written")).toHaveLength(1);
      expect((await store.readItemAtOrBelow(log, 0))?.appendId).toBe(winner);
      const told = results.flatMap((result) => (result.kind === "occupied" ? [result.item.appendId] : []));
      expect(told).toEqual(Array.from({ length: 15 }, () => winner));
    });

    it("counts offsets up to 2^53 - 1 exactly", async () => {
      const [store, log] = [open(), newLog()];
      await store.putItem(log, item(END - 2));
      await store.putItem(log, item(END - 1, { lastOffset: END }));
      expect((await store.readItemAtOrBelow(log, END - 2))?.baseOffset).toBe(END - 2);
      const last = await store.readItemAtOrBelow(log, END);
      expect([last?.baseOffset, last?.lastOffset]).toEqual([END - 1, END]);
      expect(await store.deleteItems(log, END - 1, 10)).toBe(1);
      expect(await store.readItemAtOrBelow(log, END - 2)).toBeUndefined();
    });

    it("reads in the order of offsets as numbers, from any offset on", async () => {
      const [store, log] = [open(), newLog()];
      const offsets = [0, 9, 10, 99, 100, 1000, 2 ** 40, 2 ** 53 - 2];
      for (const offset of offsets.toReversed()) await store.putItem(log, item(offset));
      const read = async (from: number) =>
        (await store.readItems(log, from, ALL)).items.map(({ baseOffset }) => baseOffset);
      expect(await read(0)).toEqual(offsets);
      expect(await read(10)).toEqual(offsets.slice(2));
      expect(await read(11)).toEqual(offsets.slice(3));
    });

    it("keeps logs apart", async () => {
      const [store, one] = [open(), newLog()];
      const other = newLog();
      await store.putItem(one, item(0));
      expect(await store.readItems(other, 0, ALL)).toEqual({ items: [], isEnd: true });
      expect(await store.readItemAtOrBelow(other, END)).toBeUndefined();
    });

    it("stops a page at its limits and says whether more is there", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 10; offset++) {
        await store.putItem(log, item(offset, { payload: { kind: "inline", batches: Buffer.alloc(1000) } }));
      }
      const read = async (from: number, maxItems: number, maxBytes: number) => {
        const { items, isEnd } = await store.readItems(log, from, { maxItems, maxBytes });
        return [items.length, isEnd];
      };
      expect(await read(0, 3, 1_000_000)).toEqual([3, false]);
      expect(await read(0, 100, 2_500)).toEqual([3, false]);
      expect(await read(0, 100, 1)).toEqual([1, false]);
      expect(await read(0, 100, 1_000_000)).toEqual([10, true]);
      expect(await read(8, 100, 2_000)).toEqual([2, true]);
      expect(await read(10, 100, 1_000_000)).toEqual([0, true]);
    });

    it("reads on over pages of a megabyte, with items near the largest size", async () => {
      const [store, log] = [open(), newLog()];
      const size = 380 * 1024;
      for (let offset = 0; offset < 8; offset++) {
        await store.putItem(log, item(offset, { payload: { kind: "inline", batches: Buffer.alloc(size, offset) } }));
      }
      const { items, isEnd } = await store.readItems(log, 0, ALL);
      expect(isEnd).toBe(true);
      expect(
        items.map(({ payload }) => (payload.kind === "inline" ? [payload.batches.length, payload.batches.at(-1)] : [])),
      ).toEqual(Array.from({ length: 8 }, (_, offset) => [size, offset]));
      await store.deleteItems(log, END, 100);
    });

    it("finds the item at or below an offset", async () => {
      const [store, log] = [open(), newLog()];
      for (const offset of [0, 5, 12]) await store.putItem(log, item(offset));
      const at = async (offset: number) => (await store.readItemAtOrBelow(log, offset))?.baseOffset;
      expect(await Promise.all([0, 4, 5, 11, 12, END].map(at))).toEqual([0, 0, 5, 5, 12, 12]);
    });

    it("sees at once what was written", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 20; offset++) {
        await store.putItem(log, item(offset));
        expect((await store.readItemAtOrBelow(log, END))?.baseOffset).toBe(offset);
      }
    });

    it("keeps the newest checkpoint, with its producers", async () => {
      const [store, log] = [open(), newLog()];
      const checkpoint = (logEndOffset: number): Checkpoint => ({
        logEndOffset,
        lastEpoch: 3,
        maxTimestampSoFar: 1_700_000_000_000,
        producers: Array.from({ length: 50 }, (_, producerId) => ({
          producerId,
          producerEpoch: 2,
          batches: [
            { baseSequence: 0, lastSequence: 9, baseOffset: producerId, lastOffset: producerId + 9, timestamp: -1 },
          ],
        })),
      });
      expect(await store.readCheckpoint(log)).toBeUndefined();
      await store.putCheckpoint(log, checkpoint(100));
      await store.putCheckpoint(log, checkpoint(50));
      expect(await store.readCheckpoint(log)).toEqual(checkpoint(100));
      await store.putCheckpoint(log, checkpoint(101));
      expect(await store.readCheckpoint(log)).toEqual(checkpoint(101));
      expect(await store.readItems(log, 0, ALL)).toEqual({ items: [], isEnd: true });
    });

    it("keeps a checkpoint of as many producers as a log remembers, and what replaces it", async () => {
      const [store, log] = [open(), newLog()];
      const huge = hugeCheckpoint(1_000_000);
      const small = { ...huge, logEndOffset: 1_000_002, producers: huge.producers.slice(0, 2) };
      await store.putCheckpoint(log, huge);
      expect(await store.readCheckpoint(log)).toEqual(huge);
      const newer = hugeCheckpoint(1_000_001);
      await store.putCheckpoint(log, newer);
      await store.putCheckpoint(log, huge);
      expect(await store.readCheckpoint(log)).toEqual(newer);
      await store.putCheckpoint(log, small);
      expect(await store.readCheckpoint(log)).toEqual(small);
      await store.putCheckpoint(log, hugeCheckpoint(1_000_003));
      expect(await store.deleteItems(log, END, 10)).toBe(0);
      expect(await store.readCheckpoint(log)).toBeUndefined();
    });

    it("says that fewer are left only when none is, however large they are", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 24; offset++) await store.putItem(log, largeItem(offset));
      expect(await store.deleteItems(log, END, 1000)).toBe(24);
      expect(await store.readItemAtOrBelow(log, END)).toBeUndefined();
    });

    it("deletes items in bounded steps, and the checkpoint with the last of them", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 60; offset++) await store.putItem(log, item(offset));
      await store.putCheckpoint(log, { logEndOffset: 60, lastEpoch: 0, maxTimestampSoFar: 1, producers: [] });
      expect(await store.deleteItems(log, 50, 30)).toBe(30);
      expect(await store.deleteItems(log, 50, 30)).toBe(20);
      expect((await store.readItems(log, 0, ALL)).items[0]?.baseOffset).toBe(50);
      expect(await store.readCheckpoint(log)).toBeDefined();
      expect(await store.deleteItems(log, END, 30)).toBe(10);
      expect(await store.readItems(log, 0, ALL)).toEqual({ items: [], isEnd: true });
      expect(await store.readCheckpoint(log)).toBeUndefined();
    });

    it("deletes what has expired and nothing else", async () => {
      const [store, log] = [open(), newLog()];
      await store.putItem(log, item(0, { expiresAt: 1_000 }));
      await store.putItem(log, item(1, { expiresAt: 1_001 }));
      await store.putItem(log, item(2));
      expect(await sweep(store, 1_001, 100)).toBe(1);
      expect((await store.readItems(log, 0, ALL)).items.map(({ baseOffset }) => baseOffset)).toEqual([1, 2]);
    });

    it("deletes no more expired items at a time than it was asked to", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 5; offset++) await store.putItem(log, item(offset, { expiresAt: 500 }));
      expect(await store.deleteExpiredItems(501, 2)).toBeLessThanOrEqual(2);
      await sweep(store, 501, 2);
      expect(await store.readItems(log, 0, ALL)).toEqual({ items: [], isEnd: true });
    });

    it("comes to what has expired however much lies before it", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 24; offset++) await store.putItem(log, largeItem(offset));
      await store.putItem(log, item(24, { expiresAt: 700 }));
      expect(await sweep(store, 701, 100)).toBe(1);
      expect((await store.readItemAtOrBelow(log, END))?.baseOffset).toBe(23);
      await store.deleteItems(log, END, 100);
    });

    it("is not reached by what its callers do to their bytes afterwards", async () => {
      const [store, log] = [open(), newLog()];
      const batches = Buffer.from("as it was");
      await store.putItem(log, item(0, { payload: { kind: "inline", batches } }));
      batches.fill(0);
      const text = async () => {
        const found = await store.readItemAtOrBelow(log, 0);
        const bytes = found?.payload.kind === "inline" ? found.payload.batches : new Uint8Array();
        const read = Buffer.from(bytes).toString();
        bytes.fill(0);
        return read;
      };
      expect([await text(), await text()]).toEqual(["as it was", "as it was"]);
    });
  });
}
