import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../shared/log/checkpoint.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import { ALL, END, hugeCheckpoint, item, largeItem, newLog, sweep } from "./log-items.ts";

/** Checkpoints, deletions and expiry: the part of a log store's contract that keeps a log short. */
export function logStoreUpkeepContract(name: string, open: () => LogStore): void {
  describe(`the upkeep of logs on ${name}`, () => {
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

    it("deletes of a stretch what has no expiry, and nothing else", async () => {
      const [store, log, other] = [open(), newLog(), newLog()];
      for (let offset = 0; offset < 10; offset++) {
        await store.putItem(log, item(offset, offset % 2 === 0 ? { expiresAt: 2 ** 33 } : {}));
        await store.putItem(other, item(offset));
      }
      await store.putCheckpoint(log, { logEndOffset: 10, lastEpoch: 0, maxTimestampSoFar: 1, producers: [] });
      const stretch = { fromOffset: 2, beforeOffset: 9 };
      expect(await store.deleteItemsWithoutExpiry(log, stretch, 1000)).toEqual({ itemsDeleted: 3 });
      const left = (await store.readItems(log, 0, ALL)).items.map(({ baseOffset }) => baseOffset);
      expect(left).toEqual([0, 1, 2, 4, 6, 8, 9]);
      expect(await store.readCheckpoint(log)).toBeDefined();
      expect((await store.readItems(other, 0, ALL)).items).toHaveLength(10);
      expect(await store.deleteItemsWithoutExpiry(log, { fromOffset: 5, beforeOffset: 5 }, 10)).toEqual({
        itemsDeleted: 0,
      });
    });

    it("deletes of a stretch nothing that has a newer stamp than the caller's epoch", async () => {
      const [store, log] = [open(), newLog()];
      for (const [offset, stamp] of [3, 4, 5, 4].entries()) await store.putItem(log, item(offset, { stamp }));
      const stretch = { fromOffset: 0, beforeOffset: 4, throughEpoch: 4 };
      expect(await store.deleteItemsWithoutExpiry(log, stretch, 1000)).toEqual({ itemsDeleted: 3 });
      expect((await store.readItems(log, 0, ALL)).items.map(({ baseOffset }) => baseOffset)).toEqual([2]);
    });

    it("deletes of a stretch in bounded steps, each of which says where the next begins", async () => {
      const [store, log] = [open(), newLog()];
      for (let offset = 0; offset < 24; offset++) await store.putItem(log, largeItem(offset));
      let itemsDeleted = 0;
      let fromOffset: number | undefined = 0;
      for (let steps = 0; fromOffset !== undefined && steps < 100; steps++) {
        const step = await store.deleteItemsWithoutExpiry(log, { fromOffset, beforeOffset: 23 }, 5);
        expect(step.itemsDeleted).toBeLessThanOrEqual(5);
        itemsDeleted += step.itemsDeleted;
        fromOffset = step.nextOffset;
      }
      expect(itemsDeleted).toBe(23);
      expect((await store.readItems(log, 0, ALL)).items.map(({ baseOffset }) => baseOffset)).toEqual([23]);
      await store.deleteItems(log, END, 10);
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
  });
}
