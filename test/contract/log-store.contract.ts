import { describe, expect, it } from "vitest";
import type { LogStore } from "../../shared/log/log-store.ts";
import { ALL, END, item, newLog, plain, plainItems } from "./log-items.ts";
import { logStoreReplicationContract } from "./log-store-replication.contract.ts";
import { logStoreUpkeepContract } from "./log-store-upkeep.contract.ts";

export { item };

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
  logStoreUpkeepContract(name, open);
  logStoreReplicationContract(name, open);
}
