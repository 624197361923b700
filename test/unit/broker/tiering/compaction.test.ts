import { expect, it } from "vitest";
import { produce } from "../../../fixtures/broker.ts";
import { seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, KeptLogs, MINUTE_MS } from "./kept-logs.ts";

const CONFIGS = {
  "cleanup.policy": "compact",
  "segment.ms": String(HOUR_MS),
  "local.retention.ms": String(HOUR_MS),
  "min.cleanable.dirty.ratio": "0.01",
  "delete.retention.ms": String(DAY_MS),
};

/** Keyed records, an item each; a value of null is a tombstone. */
async function keyed(logs: KeptLogs, records: readonly (readonly [string, string | null])[]): Promise<void> {
  for (const [key, value] of records) await produce(logs.broker, "t", [{ key, value }]);
}

it("keeps the last record of each key, at its offset", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create(CONFIGS);
    await logs.keep();
    await keyed(logs, [
      ["a", "a0"],
      ["b", "b0"],
      ["a", "a1"],
    ]);
    await logs.pass(2 * HOUR_MS);
    await keyed(logs, [
      ["b", "b1"],
      ["c", "c0"],
      ["a", "a2"],
    ]);
    await logs.pass(4 * HOUR_MS);
    expect(await seen(logs.open(), "t")).toEqual(["3=b1", "4=c0", "5=a2"]);
    expect((await logs.state()).cleanedOffset).toBe(6);
    // What others took the place of goes an hour later.
    await logs.pass(3 * HOUR_MS);
    expect((await logs.keys()).filter((key) => key.endsWith(".log"))).toHaveLength(1);
    expect((await logs.registration()).logStartOffset).toBe(0);
  }));

it("is seen at once by readers of the process that compacts, and by those of others within a minute", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    const other = logs.open();
    await logs.create({ ...CONFIGS, "min.compaction.lag.ms": String(DAY_MS) });
    await logs.keep();
    await keyed(logs, [
      ["a", "a0"],
      ["b", "b0"],
      ["a", "a1"],
    ]);
    await logs.pass(2 * HOUR_MS);
    await keyed(logs, [["b", "b1"]]);
    await logs.pass(20 * HOUR_MS);
    await clock.sleep(2 * HOUR_MS + MINUTE_MS);
    const all = ["0=a0", "1=b0", "2=a1", "3=b1"];
    expect(await seen(logs.broker, "t")).toEqual(all);
    expect(await seen(other, "t")).toEqual(all);
    expect((await logs.keep()).segmentsCompacted).toBe(1);
    const left = ["1=b0", "2=a1", "3=b1"];
    expect(await seen(logs.broker, "t")).toEqual(left);
    expect(await seen(other, "t")).toEqual(all);
    await clock.sleep(MINUTE_MS);
    expect(await seen(other, "t")).toEqual(left);
  }));

it("keeps tombstones for delete.retention.ms, and then forgets their keys", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create(CONFIGS);
    await logs.keep();
    await keyed(logs, [
      ["a", "a0"],
      ["b", "b0"],
      ["a", null],
    ]);
    await logs.pass(3 * HOUR_MS);
    await keyed(logs, [["c", "c0"]]);
    await logs.pass(3 * HOUR_MS);
    expect(await seen(logs.open(), "t")).toEqual(["1=b0", "2=", "3=c0"]);
    await logs.pass(DAY_MS);
    await keyed(logs, [["d", "d0"]]);
    await logs.pass(3 * HOUR_MS);
    expect(await seen(logs.open(), "t")).toEqual(["1=b0", "3=c0", "4=d0"]);
  }));

it("compacts and deletes where the policy is both", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ ...CONFIGS, "cleanup.policy": "compact,delete", "retention.ms": String(2 * DAY_MS) });
    await logs.keep();
    await keyed(logs, [
      ["a", "a0"],
      ["b", "b0"],
      ["a", "a1"],
    ]);
    await logs.pass(3 * HOUR_MS);
    expect(await seen(logs.open(), "t")).toEqual(["1=b0", "2=a1"]);
    await logs.pass(2 * DAY_MS);
    await keyed(logs, [["c", "c0"]]);
    await logs.pass(3 * HOUR_MS);
    const { logStartOffset } = await logs.registration();
    expect(logStartOffset).toBe(3);
    expect(await seen(logs.open(), "t", logStartOffset)).toEqual(["3=c0"]);
  }));

it("goes on in the next run with what there was no time for", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ ...CONFIGS, "segment.bytes": String(1024 * 1024), "millrace.inline.max.bytes": "1024" });
    await logs.keep();
    for (let round = 0; round < 3; round++) {
      for (const key of ["a", "b", "c", "d", "e"]) await keyed(logs, [[key, key.repeat(400 * 1024)]]);
    }
    await logs.pass(2 * HOUR_MS);
    // Every read of a segment takes a while now, so that a run has time for one group alone.
    const get = logs.segmentStore.getObject.bind(logs.segmentStore);
    logs.segmentStore.getObject = async (key, range) => {
      if (key.endsWith(".log")) await clock.sleep(4_000);
      return get(key, range);
    };
    let runs = 0;
    for (; (await logs.state()).cleanedOffset < 15 && runs < 50; runs++) {
      await keyed(logs, [["z", `${runs}`]]);
      await clock.sleep(HOUR_MS);
      await logs.keep(MINUTE_MS);
    }
    expect(runs).toBeLessThan(50);
    logs.segmentStore.getObject = get;
    const values = await seen(logs.open(), "t");
    expect(values.filter((value) => !value.includes("=z") && value.length > 10)).toHaveLength(5);
  }));
