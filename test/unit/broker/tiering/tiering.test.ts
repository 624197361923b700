import { expect, it } from "vitest";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { seen } from "../../../fixtures/regions.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, KeptLogs, MINUTE_MS, numbered } from "./kept-logs.ts";

it("copies what is due by age into a segment, and a reader notices no seam", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS), "local.retention.ms": String(2 * HOUR_MS) });
    await logs.keep();
    await logs.append(numbered(5));
    await logs.keep();
    expect(await logs.stretches()).toEqual([]);
    await logs.pass(HOUR_MS);
    expect(await logs.stretches()).toEqual(["0-4"]);
    await logs.append(numbered(3, 5));
    await logs.pass(3 * HOUR_MS);
    expect(await logs.stretches()).toEqual(["0-4", "5-7"]);
    expect((await logs.state()).localLogStartOffset).toBe(7);
    expect(await seen(logs.open(), "t")).toEqual(numbered(8).map((value, offset) => `${offset}=${value}`));
  }));

it("lets DynamoDB delete hot items that are in segments, and reads them from there", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": String(HOUR_MS) });
    await logs.keep();
    for (let day = 0; day < 20; day++) {
      await logs.append([`v${day}`]);
      await logs.pass(DAY_MS);
      await logs.expire();
    }
    expect((await logs.hotOffsets()).length).toBeLessThan(12);
    expect(await seen(logs.open(), "t")).toEqual(numbered(20).map((value, offset) => `${offset}=${value}`));
    expect(await logs.append(["more"], logs.open())).toEqual(["0:20"]);
  }));

it("gives items the TTL of local.retention.ms and seven days, once the log is kept", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "local.retention.ms": String(HOUR_MS) });
    await logs.append(["before"]);
    await logs.keep();
    await logs.append(["after"], logs.open());
    const [before, after] = await logs.hotItems();
    expect(before!.expiresAt).toBeUndefined();
    expect(after!.expiresAt! - Math.floor(clock.now() / 1000)).toBeCloseTo((HOUR_MS + 7 * DAY_MS) / 1000, -1);
  }));

it("writes items without a TTL while tiering is behind, and with one again when it has caught up", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create();
    await logs.keep();
    await logs.append(["a"]);
    await clock.sleep(DAY_MS + HOUR_MS);
    await logs.append(["b"], logs.open());
    await logs.append(["c"]);
    await logs.keep();
    await clock.sleep(11 * MINUTE_MS);
    await logs.append(["d"]);
    expect((await logs.hotItems()).map(({ expiresAt }) => expiresAt !== undefined)).toEqual([true, false, false, true]);
  }));

it("cuts segments at segment.bytes, as many as there are in one run", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.bytes": String(1024 * 1024), "millrace.inline.max.bytes": "1024" });
    await logs.keep();
    for (let record = 0; record < 5; record++) await logs.append(["x".repeat(500 * 1024)]);
    await logs.append(["small"]);
    const kept = await logs.keep();
    expect(await logs.stretches()).toEqual(["0-1", "2-3"]);
    expect(kept).toMatchObject({ segmentsTiered: 2, left: 0, failed: 0, needsClock: true });
    expect(kept.bytesTiered).toBeGreaterThan(2_000_000);
    expect(await seen(logs.open(), "t")).toHaveLength(6);
  }));

it("copies everything once where several runs are at work at once", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.bytes": String(1024 * 1024), "segment.ms": String(HOUR_MS), "retention.ms": "-1" });
    await logs.keep();
    for (const value of numbered(12)) await logs.append([value.padEnd(400 * 1024, ".")]);
    // Requests take a while, not always the same, and the log goes on meanwhile.
    const registry = logs.segmentRegistry;
    const [list, add] = [registry.listSegments.bind(registry), registry.addSegment.bind(registry)];
    registry.listSegments = async (...asked) => {
      const listed = await list(...asked);
      await clock.sleep(40);
      return listed;
    };
    registry.addSegment = async (segment) => {
      await clock.sleep(15);
      const added = await add(segment);
      await clock.sleep(15);
      return added;
    };
    const put = logs.segmentStore.putObjectInParts.bind(logs.segmentStore);
    let copies = 0;
    logs.segmentStore.putObjectInParts = async (key, parts) => {
      copies++;
      await clock.sleep(1_000 + 700 * (copies % 3));
      await put(key, parts);
    };
    await clock.sleep(2 * HOUR_MS);
    const run = async (laterMs: number) => {
      await clock.sleep(laterMs);
      await logs.keep(10 * MINUTE_MS, logs.open());
    };
    const runs = [0, 0, 500, 1_000, 1_500, 2_000, 3_000].map(run);
    await logs.append([...numbered(6, 12).map((value) => value.padEnd(400 * 1024, "."))]);
    await Promise.all(runs);
    await logs.pass(4 * HOUR_MS);
    const stretches = await logs.stretches();
    expect(copies).toBe(stretches.length);
    expect(stretches.flatMap((stretch) => stretch.split("-").map(Number))).toEqual(
      [...stretches.flatMap((stretch) => stretch.split("-").map(Number))].sort((one, other) => one - other),
    );
    expect(await seen(logs.open(), "t")).toHaveLength(18);
  }));

it("deletes what retention.ms says, and answers OFFSET_OUT_OF_RANGE for it at once", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": String(3 * HOUR_MS), "segment.ms": String(HOUR_MS) });
    await logs.keep();
    await logs.append(numbered(3));
    await logs.pass(2 * HOUR_MS);
    expect(await logs.stretches()).toEqual(["0-2"]);
    await logs.append(numbered(3, 3));
    await logs.pass(90 * MINUTE_MS, 30 * MINUTE_MS);
    expect((await logs.registration()).logStartOffset).toBe(3);
    expect(await seen(logs.broker, "t")).toEqual(["OFFSET_OUT_OF_RANGE"]);
    expect(await seen(logs.broker, "t", 3)).toEqual(["3=v3", "4=v4", "5=v5"]);
    await logs.pass(HOUR_MS, 30 * MINUTE_MS);
    expect(await logs.stretches()).toEqual(["3-5"]);
    expect((await logs.keys()).filter((key) => key.endsWith(".log"))).toHaveLength(1);
  }));

it("lets records go that are older than retention.ms without copying them first", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": String(HOUR_MS) });
    await logs.keep();
    for (let record = 0; record < 6; record++) {
      await logs.append([`v${record}`]);
      await clock.sleep(20 * MINUTE_MS);
    }
    await logs.keep();
    expect((await logs.registration()).logStartOffset).toBe(4);
    expect((await logs.segments()).length).toBe(0);
    await logs.pass(2 * HOUR_MS);
    // The last item stays, whatever retention says.
    expect((await logs.registration()).logStartOffset).toBe(5);
    expect(await logs.append(["next"], logs.open())).toEqual(["0:6"]);
  }));

it("deletes the oldest segments beyond retention.bytes", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    const configs = { "segment.bytes": String(1024 * 1024), "millrace.inline.max.bytes": "1024" };
    await logs.create({ ...configs, "retention.bytes": String(2_500_000) });
    await logs.keep();
    for (let record = 0; record < 9; record++) await logs.append(["x".repeat(500 * 1024)]);
    await logs.keep();
    await logs.keep();
    expect((await logs.registration()).logStartOffset).toBe(4);
    await logs.pass(HOUR_MS);
    expect(await logs.stretches()).toEqual(["4-5", "6-7"]);
    expect(await seen(logs.open(), "t", 4)).toHaveLength(5);
  }));

it("deletes the objects of items, and items without a TTL, when they have been out of use for a while", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    const configs = { "millrace.inline.max.bytes": "100", "retention.ms": "-1" };
    await logs.create({ ...configs, "local.retention.ms": String(MINUTE_MS) });
    await logs.append(numbered(3).map((value) => value.padEnd(300)));
    expect((await logs.keys()).filter((key) => key.endsWith(".batches"))).toHaveLength(3);
    await logs.keep();
    await logs.append(["last"]);
    await clock.sleep(2 * MINUTE_MS);
    await logs.keep();
    expect((await logs.state()).localLogStartOffset).toBe(3);
    // Readers may go by what they read a minute ago, and a writer by its view.
    await logs.pass(8 * MINUTE_MS, 4 * MINUTE_MS);
    expect(await logs.hotOffsets()).toEqual([0, 1, 2, 3]);
    await logs.pass(5 * MINUTE_MS, MINUTE_MS);
    expect(await logs.hotOffsets()).toEqual([3]);
    expect((await logs.keys()).filter((key) => key.endsWith(".batches"))).toEqual([]);
    expect((await seen(logs.open(), "t")).length).toBe(4);
  }));

it("keeps the last item of an idle log, whatever its TTL says", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": String(DAY_MS) });
    await logs.keep();
    await logs.append(numbered(3));
    await logs.pass(30 * DAY_MS, 12 * HOUR_MS);
    await logs.expire();
    expect(await logs.hotOffsets()).toEqual([2]);
    expect(await logs.append(["next"], logs.open())).toEqual(["0:3"]);
  }));

it("needs no clock when nothing is left that time could make due", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "retention.ms": String(DAY_MS) });
    await logs.pass(2 * HOUR_MS);
    expect((await logs.keep()).needsClock).toBe(false);
    await logs.append(numbered(3));
    expect((await logs.keep()).needsClock).toBe(true);
    await logs.pass(20 * DAY_MS);
    expect((await logs.keep()).needsClock).toBe(false);
    await logs.append(["next"]);
    expect((await logs.keep()).needsClock).toBe(true);
  }));

it("tells how far tiering is behind", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS) });
    await logs.keep();
    expect(logs.metrics.gauges["TieringLag"]).toBe(0);
    await logs.append(["a"]);
    logs.segmentStore.putObjectInParts = () => Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "S3 is down"));
    await logs.pass(5 * HOUR_MS);
    expect(logs.metrics.gauges["TieringLag"]).toBeGreaterThan(3 * HOUR_MS);
    expect((await logs.keep()).failed).toBe(1);
  }));
