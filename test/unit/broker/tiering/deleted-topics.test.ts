import { expect, it } from "vitest";
import { deleteTopic } from "../../../../shared/broker/delete-topic.ts";
import { removeDeletedTopics } from "../../../../shared/broker/remove-deleted-topics.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { HOUR_MS, KeptLogs, MINUTE_MS, numbered } from "./kept-logs.ts";

const remove = (logs: KeptLogs) => removeDeletedTopics(logs.broker, { maxItems: 1_000 });

it("takes a deleted topic's segments away, their registrations last", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS), "millrace.inline.max.bytes": "100" });
    await logs.append(numbered(3).map((value) => value.padEnd(300)));
    await logs.pass(2 * HOUR_MS);
    expect(await logs.stretches()).toEqual(["0-2"]);
    await deleteTopic(logs.broker, "t");
    await clock.sleep(2 * MINUTE_MS);
    expect(await remove(logs)).toMatchObject({ topicsRemoved: 1 });
    expect(await logs.keys()).toEqual([]);
    expect(await logs.segments()).toEqual([]);
    expect(await logs.state()).toBeUndefined();
    expect(await logs.hotItems()).toEqual([]);
  }));

it("waits for a copy that is being written while the topic is deleted, so that nothing is left in the bucket", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS) });
    await logs.append(numbered(3));
    await clock.sleep(2 * HOUR_MS);
    const put = logs.segmentStore.putObjectInParts.bind(logs.segmentStore);
    logs.segmentStore.putObjectInParts = async (key, parts) => {
      await clock.sleep(10 * MINUTE_MS);
      return put(key, parts);
    };
    const copying = upkeepLogs(logs.open(), { untilMs: clock.now() + 15 * MINUTE_MS });
    await clock.sleep(1_000);
    await deleteTopic(logs.broker, "t");
    await clock.sleep(2 * MINUTE_MS);
    expect(await remove(logs)).toMatchObject({ topicsRemoved: 0 });
    await copying;
    expect((await logs.keys()).length).toBeGreaterThan(0);
    expect(await remove(logs)).toMatchObject({ topicsRemoved: 1 });
    expect(await logs.keys()).toEqual([]);
    expect(await logs.segments()).toEqual([]);
  }));

it("does not wait for good for a copy whose process was killed", () =>
  inVirtualTime(async (clock) => {
    const logs = new KeptLogs(clock);
    await logs.create({ "segment.ms": String(HOUR_MS) });
    await logs.append(numbered(3));
    await clock.sleep(2 * HOUR_MS);
    logs.segmentStore.putObjectInParts = () => new Promise(() => {});
    void upkeepLogs(logs.open(), { untilMs: clock.now() + 100 * HOUR_MS });
    await clock.sleep(1_000);
    await deleteTopic(logs.broker, "t");
    await clock.sleep(HOUR_MS);
    expect(await remove(logs)).toMatchObject({ topicsRemoved: 1 });
  }));
