import { describe, expect, it } from "vitest";
import { LATEST_TIERED_TIMESTAMP, listOffsets } from "../../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { canKeepLogs } from "../../../../shared/broker/tiering/upkeep-log.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { fetchFrom } from "../../../fixtures/half-cold.ts";
import { seen } from "../../../fixtures/regions.ts";
import { itemsOf, tieredParts } from "../../../fixtures/tiered-log.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

/** Twenty records, a day apart, with an upkeep every six hours and a store that deletes what has expired at once. */
async function weeks(clock: Clock, configs: Record<string, string>) {
  const parts = tieredParts({ clock });
  const topicId = await topicOf(openBroker(parts), "t", 1, { "local.retention.ms": "60000", ...configs });
  const keeper = openBroker(parts);
  if (!canKeepLogs(keeper)) throw new Error("no registry");
  for (let day = 0; day < 20; day++) {
    await produce(openBroker(parts), "t", [
      { partition: 0, key: `k${day % 3}`, value: `v${day}`, timestamp: clock.now() },
    ]);
    for (let run = 0; run < 4; run++) {
      await upkeepLogs(keeper, { untilMs: clock.now() + 600_000 });
      await parts.logStore.deleteExpiredItems(Math.floor(clock.now() / 1000), 1_000);
      await clock.sleep(DAY_MS / 4);
    }
  }
  return { broker: openBroker(parts), log: logKey(topicId, 0) };
}

describe("a log that was kept for weeks", () => {
  it("is read from its begin, of which hardly anything is left in items", () =>
    inVirtualTime(async (clock) => {
      const { broker, log } = await weeks(clock, { "retention.ms": "-1", "segment.ms": "3600000" });
      expect((await itemsOf(broker, log)).length).toBeLessThan(12);
      expect(await seen(broker, "t")).toEqual(Array.from({ length: 20 }, (_, day) => `${day}=v${day}`));
      expect(await fetchFrom(broker, 0)).toMatchObject({ logStartOffset: 0, highWatermark: 20 });
      const tiered = await listOffsets(broker, { topic: "t", partition: 0, timestamp: LATEST_TIERED_TIMESTAMP });
      expect(tiered.ok && tiered.value.offset).toBeGreaterThan(10);
    }));

  it("begins where its retention says", () =>
    inVirtualTime(async (clock) => {
      const { broker } = await weeks(clock, { "retention.ms": String(10 * DAY_MS), "segment.ms": "3600000" });
      const refused = await fetchFrom(broker, 0);
      expect(refused).toMatchObject({ code: "OFFSET_OUT_OF_RANGE", highWatermark: 20 });
      const start = "logStartOffset" in refused ? refused.logStartOffset! : -1;
      expect(start).toBeGreaterThan(7);
      expect(await seen(broker, "t", start)).toEqual(
        Array.from({ length: 20 - start }, (_, at) => `${start + at}=v${start + at}`),
      );
    }));

  it("has the last value of every key where it is compacted, each at its offset", () =>
    inVirtualTime(async (clock) => {
      const configs = { "cleanup.policy": "compact", "segment.ms": "3600000", "min.cleanable.dirty.ratio": "0.01" };
      const { broker } = await weeks(clock, configs);
      const records = await seen(broker, "t");
      expect(records.length).toBeLessThan(20);
      expect(records.slice(-3)).toEqual(["17=v17", "18=v18", "19=v19"]);
      for (const offset of [0, 5, 11]) {
        expect(await seen(broker, "t", offset)).toEqual(records.filter((one) => Number.parseInt(one, 10) >= offset));
      }
    }));
});
