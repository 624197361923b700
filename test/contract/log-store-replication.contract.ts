import { describe, expect, it } from "vitest";
import type { Checkpoint } from "../../shared/log/checkpoint.ts";
import { EPOCHS_KEPT } from "../../shared/log/leader-epochs.ts";
import type { ItemVersion, LogItem } from "../../shared/log/log-item.ts";
import type { LogStore, ReplaceItemResult } from "../../shared/log/log-store.ts";
import { ALL, hugeCheckpoint, item, newLog, plain, plainItems } from "./log-items.ts";

const appendId = (byte: number) => Buffer.alloc(16, byte).toString("base64url");

/** What a log store does for logs of several replicas: exact replacement, barriers, and checkpoints that name them. */
export function logStoreReplicationContract(name: string, open: () => LogStore): void {
  describe(`the log store of several replicas on ${name}`, () => {
    const occupant = (result: ReplaceItemResult) => plain(result.kind === "occupied" ? result.item : undefined);

    it("puts an item into a slot that is expected to be free, and tells who has it if it is not", async () => {
      const [store, log] = [open(), newLog()];
      const first = item(3, { appendId: appendId(1), leaderEpoch: 2, stamp: 2 });
      expect(await store.replaceItem(log, first, undefined)).toEqual({ kind: "written" });
      // A newer stamp is no reason: the slot is expected to be free.
      const newer = item(3, { appendId: appendId(2), leaderEpoch: 9, stamp: 9 });
      const refused = await store.replaceItem(log, newer, undefined);
      expect([refused.kind, occupant(refused)]).toEqual(["occupied", plain(first)]);
      expect(plainItems((await store.readItems(log, 0, ALL)).items)).toEqual([plain(first)]);
    });

    it("replaces just the item that is expected", async () => {
      const [store, log] = [open(), newLog()];
      const before = item(0, { appendId: appendId(1), leaderEpoch: 3, stamp: 4 });
      await store.putItem(log, before);
      const sealed = { ...before, stamp: 7 };
      expect(await store.replaceItem(log, sealed, before)).toEqual({ kind: "written" });
      expect(plain(await store.readItemAtOrBelow(log, 0))).toEqual(plain(sealed));
      const barrier = item(0, { appendId: appendId(2), leaderEpoch: 8, stamp: 8, waitFor: [1, 2] });
      expect(await store.replaceItem(log, barrier, sealed)).toEqual({ kind: "written" });
      expect(plain(await store.readItemAtOrBelow(log, 0))).toEqual(plain(barrier));
    });

    it.each([
      ["another epoch", { leaderEpoch: 2 }],
      ["another appendId", { appendId: appendId(9) }],
      ["an older stamp", { stamp: 3 }],
      ["a newer stamp", { stamp: 5 }],
    ] satisfies [string, Partial<ItemVersion>][])(
      "does not replace an item of %s, and tells what stands there",
      async (_, other) => {
        const [store, log] = [open(), newLog()];
        const before = item(0, { appendId: appendId(1), leaderEpoch: 3, stamp: 4 });
        await store.putItem(log, before);
        const refused = await store.replaceItem(log, { ...before, stamp: 9 }, { ...before, ...other });
        expect([refused.kind, occupant(refused)]).toEqual(["occupied", plain(before)]);
        expect(plain(await store.readItemAtOrBelow(log, 0))).toEqual(plain(before));
      },
    );

    it("replaces nothing in a free slot, and tells that it is free", async () => {
      const [store, log] = [open(), newLog()];
      expect(await store.replaceItem(log, item(0, { stamp: 1 }), item(0))).toEqual({
        kind: "occupied",
        item: undefined,
      });
      expect(await store.readItems(log, 0, ALL)).toEqual({ items: [], isEnd: true });
    });

    it("lets exactly one of sixteen racing electors take the slot, and tells the others by whom", async () => {
      const [store, log] = [open(), newLog()];
      const debris = item(0, { appendId: appendId(99), leaderEpoch: 1, stamp: 1 });
      await store.putItem(log, debris);
      const ids = Array.from({ length: 16 }, (_, elector) => appendId(elector + 1));
      const results = await Promise.all(
        ids.map((id) => store.replaceItem(log, item(0, { appendId: id, leaderEpoch: 4, stamp: 4 }), debris)),
      );
      const winner = ids[results.findIndex(({ kind }) => kind === "written")];
      expect(results.filter(({ kind }) => kind === "written")).toHaveLength(1);
      const told = results.flatMap((result) => (result.kind === "occupied" ? [result.item?.appendId] : []));
      expect(told).toEqual(Array.from({ length: 15 }, () => winner));
    });

    it("gives back a barrier with all it waits for, by every read", async () => {
      const [store, log] = [open(), newLog()];
      const barrier: LogItem = item(0, { leaderEpoch: 5, stamp: 5, prevEpoch: 3, waitFor: [3, 1, 2] });
      await store.replaceItem(log, barrier, undefined);
      await store.putItem(log, item(1, { leaderEpoch: 5, stamp: 5, prevEpoch: 5, waitFor: [1] }));
      const { items } = await store.readItems(log, 0, ALL);
      expect(items.map(({ waitFor }) => waitFor)).toEqual([[3, 1, 2], [1]]);
      expect((await store.readItemAtOrBelow(log, 0))?.waitFor).toEqual([3, 1, 2]);
      const refused = await store.putItem(log, barrier);
      expect(refused.kind === "occupied" && refused.item.waitFor).toEqual([3, 1, 2]);
    });

    it("says of an item that is no barrier that it waits for nobody", async () => {
      const [store, log] = [open(), newLog()];
      await store.putItem(log, item(0));
      expect(await store.readItemAtOrBelow(log, 0)).not.toHaveProperty("waitFor");
    });

    const replicated = (logEndOffset: number, epochs: number): Checkpoint => ({
      logEndOffset,
      lastEpoch: epochs - 1,
      maxTimestampSoFar: 1_700_000_000_000,
      producers: [],
      barrier: { leaderEpoch: epochs - 1, waitFor: [1, 3] },
      epochs: Array.from({ length: epochs }, (_, epoch) => ({ leaderEpoch: epoch, startOffset: epoch * 2 ** 33 })),
      committedIn: epochs + 1,
    });

    it("keeps of a checkpoint the barrier, the epochs, and the epoch that committed it", async () => {
      const [store, log] = [open(), newLog()];
      await store.putCheckpoint(log, replicated(10, 3));
      expect(await store.readCheckpoint(log)).toEqual(replicated(10, 3));
      await store.putCheckpoint(log, replicated(11, EPOCHS_KEPT));
      expect(await store.readCheckpoint(log)).toEqual(replicated(11, EPOCHS_KEPT));
    });

    it("keeps the checkpoint of the newest epoch, and of that the one that goes furthest", async () => {
      const [store, log] = [open(), newLog()];
      const by = (committedIn: number, logEndOffset: number) => ({ ...replicated(logEndOffset, 3), committedIn });
      for (const newer of [by(4, 500), by(5, 20), by(5, 21)]) {
        await store.putCheckpoint(log, newer);
        expect(await store.readCheckpoint(log)).toEqual(newer);
      }
      // After an unclean election a log is shorter than what an older epoch knew of it.
      for (const older of [by(4, 600), by(5, 21), by(5, 20)]) await store.putCheckpoint(log, older);
      expect(await store.readCheckpoint(log)).toEqual(by(5, 21));
    });

    it("keeps what a checkpoint has in parts whole, whatever an older epoch puts at the same offset", async () => {
      const [store, log] = [open(), newLog()];
      const huge = { ...replicated(1_000, 3), producers: hugeCheckpoint(1).producers, committedIn: 6 };
      const older = { ...huge, producers: huge.producers.toReversed(), committedIn: 5 };
      await store.putCheckpoint(log, huge);
      await store.putCheckpoint(log, older);
      expect(await store.readCheckpoint(log)).toEqual(huge);
    });

    it("keeps them beside as many producers as a log remembers, and drops nothing of either", async () => {
      const [store, log] = [open(), newLog()];
      const whole = { ...replicated(1_000_000, EPOCHS_KEPT), producers: hugeCheckpoint(1).producers };
      await store.putCheckpoint(log, whole);
      expect(await store.readCheckpoint(log)).toEqual(whole);
      const next = { ...replicated(1_000_001, 2), committedIn: whole.committedIn! };
      await store.putCheckpoint(log, next);
      expect(await store.readCheckpoint(log)).toEqual(next);
    });

    it("says of a checkpoint of one replica's log nothing of barriers", async () => {
      const [store, log] = [open(), newLog()];
      const single = { logEndOffset: 1, lastEpoch: 0, maxTimestampSoFar: 1, producers: [] };
      await store.putCheckpoint(log, single);
      const found = await store.readCheckpoint(log);
      expect(Object.keys(found ?? {}).toSorted()).toEqual(Object.keys(single).toSorted());
    });
  });
}
