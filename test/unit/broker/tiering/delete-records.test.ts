import { expect, it } from "vitest";
import { deleteRecords } from "../../../../shared/broker/tiering/delete-records.ts";
import type { MemoryLogStore } from "../../../../shared/storage/memory/memory-log-store.ts";
import { produce } from "../../../fixtures/broker.ts";
import { seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { Scheduler } from "../../../sim/scheduler.ts";
import { DAY_MS, HOUR_MS, KeptLogs, MINUTE_MS, numbered } from "./kept-logs.ts";

const before = (logs: KeptLogs, beforeOffset: number) =>
  deleteRecords(logs.open(), { topic: "t", partition: 0, beforeOffset });

/** Three records in one item. */
const together = (logs: KeptLogs, from: number) =>
  produce(
    logs.broker,
    "t",
    numbered(3, from).map((value) => ({ value, partition: 0 })),
  );

it("begins the log in the middle of an item, for cold readers and writers too", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS), "local.retention.ms": String(HOUR_MS) });
    await logs.keep();
    await together(logs, 0);
    await together(logs, 3);
    expect(await before(logs, 4)).toEqual({ ok: true, value: { lowWatermark: 4 } });
    expect(await seen(logs.open(), "t", 4)).toEqual(["4=v4", "5=v5"]);
    expect(await logs.append(["v6"], logs.open())).toEqual(["0:6"]);
    await logs.pass(2 * HOUR_MS);
    // The segment has the batch whole, and is read from where the log begins.
    expect(await logs.stretches()).toEqual(["3-6"]);
    expect(await seen(logs.open(), "t", 4)).toEqual(["4=v4", "5=v5", "6=v6"]);
    expect(await seen(logs.open(), "t", 3)).toEqual(["OFFSET_OUT_OF_RANGE"]);
  }));

it("of records in segments deletes the segments, and of those that are hot the items that no TTL takes", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "millrace.inline.max.bytes": "100", "retention.ms": "-1" });
    await logs.append(numbered(3).map((value) => value.padEnd(300)));
    await logs.pass(4 * DAY_MS, DAY_MS);
    await logs.append(numbered(3, 3).map((value) => value.padEnd(300)));
    expect(await logs.stretches()).toEqual(["0-2"]);
    await before(logs, 5);
    await logs.pass(40 * MINUTE_MS, 5 * MINUTE_MS);
    expect(await logs.segments()).toEqual([]);
    expect(await logs.hotOffsets()).toEqual([5]);
    // Objects that no segment tells about are found by the daily look, a week later.
    await logs.pass(9 * DAY_MS, 6 * HOUR_MS);
    const keys = await logs.keys();
    expect(keys.filter((key) => key.endsWith(".batches"))).toHaveLength(1);
    expect(await seen(logs.open(), "t", 5)).toHaveLength(1);
  }));

it("of all records leaves an empty log, whose end is not forgotten when its items are gone", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": String(DAY_MS) });
    await logs.keep();
    await logs.append(numbered(4));
    expect(await before(logs, -1)).toEqual({ ok: true, value: { lowWatermark: 4 } });
    await logs.pass(20 * DAY_MS, 12 * HOUR_MS);
    await logs.expire();
    expect(await logs.hotOffsets()).toEqual([]);
    expect(await seen(logs.open(), "t", 4)).toEqual([]);
    expect(await logs.append(["next"], logs.open())).toEqual(["0:4"]);
    expect(await seen(logs.open(), "t", 4)).toEqual(["4=next"]);
    expect((await logs.keep()).failed).toBe(0);
  }));

it.each([1, 2, 3, 4, 5])(
  "acknowledges nothing in a slot that was deleted while its writer slept (%i)",
  async (seed) => {
    const scheduler = new Scheduler(seed);
    const run = async () => {
      const logs = new KeptLogs(scheduler.clock(() => 0));
      await logs.create();
      await logs.append(["v0"]);
      let pausedUntil = 0;
      const clock = scheduler.clock(() => pausedUntil);
      // The sleeper has seen the log's end, and its put is about to leave.
      const putItem: MemoryLogStore["putItem"] = async (log, item) => {
        await clock.sleep(10);
        return logs.logStore.putItem(log, item);
      };
      const logStore = new Proxy(logs.logStore, {
        get: (store, name) => (name === "putItem" ? putItem : Reflect.get(store, name, store).bind(store)),
      });
      const sleeper = logs.open({ clock, logStore });
      await logs.append(["v1"], sleeper);
      pausedUntil = scheduler.now + HOUR_MS;
      const late = produce(sleeper, "t", [{ value: "late" }], { timeoutMs: 10 * HOUR_MS });
      await scheduler.sleep(1);
      await logs.append(numbered(3, 2));
      expect(await before(logs, 4)).toMatchObject({ ok: true });
      await logs.pass(30 * MINUTE_MS, 5 * MINUTE_MS);
      expect(await logs.hotOffsets()).toEqual([4]);
      const [answer] = await late;
      const kept = await seen(logs.open(), "t", 4);
      expect(kept[0]).toBe("4=v4");
      // It was told that nobody knows, or it is where it was told that it is.
      if (answer === "REQUEST_TIMED_OUT") expect(kept).toHaveLength(1);
      else expect(kept).toContain(`${answer?.split(":")[1]}=late`);
      expect((await logs.append(["v5"], logs.open()))[0]).toBe(`0:${4 + kept.length}`);
    };
    await scheduler.run(run(), 1_000_000);
  },
);

it("keeps an item that the log begins in the middle of, though it has no TTL", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": "-1" });
    await together(logs, 0);
    await together(logs, 3);
    await before(logs, 4);
    await logs.pass(HOUR_MS, 5 * MINUTE_MS);
    expect(await logs.hotOffsets()).toEqual([3]);
    expect(await seen(logs.open(), "t", 4)).toEqual(["4=v4", "5=v5"]);
  }));

it("appends at the log's end where items are gone between what a writer knew and the end", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create();
    const writer = logs.open();
    await logs.append(["v0"], writer);
    await logs.append(numbered(4, 1));
    await before(logs, 3);
    // As where an item without a TTL stands behind one whose TTL has not ended yet.
    await logs.logStore.deleteItemsWithoutExpiry(logs.log, { fromOffset: 2, beforeOffset: 3 }, 10);
    await clock.sleep(MINUTE_MS);
    expect(await logs.append(["v5"], writer)).toEqual(["0:5"]);
  }));
