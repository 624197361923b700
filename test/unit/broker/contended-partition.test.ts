import { describe, expect, it } from "vitest";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { CONTENDED_INLINE_MAX_BYTES, CONTENDED_MS } from "../../../shared/broker/partition-writer.ts";
import { logKey } from "../../../shared/log/log-item.ts";
import { memoryBroker, memoryParts, produce, topicOf, values } from "../../fixtures/broker.ts";

const large = { key: "k", value: "v".repeat(CONTENDED_INLINE_MAX_BYTES) };
const small = { key: "k", value: "small" };

/** Two processes on one partition, the second with a view that the first has left behind. */
async function contended() {
  let now = 1_700_000_000_000;
  const parts = memoryParts({ clock: { now: () => now, sleep: () => new Promise(setImmediate) } });
  const [one, other] = [openBroker(parts), openBroker(parts)];
  const log = logKey(await topicOf(one, "t"), 0);
  await produce(other, "t", [small]);
  await produce(one, "t", [small]);
  const kinds = async () =>
    (await parts.logStore.readItems(log, 0, { maxItems: 100, maxBytes: 1 << 24 })).items.map(
      ({ payload }) => payload.kind,
    );
  const pass = (ms: number) => {
    now += ms;
  };
  return { one, other, kinds, pass };
}

describe("a partition on which a slot was lost", () => {
  it("takes large batches by way of the segment store, so that a lost put is a small one", async () => {
    const { other, kinds } = await contended();
    await produce(other, "t", [large]);
    expect(await kinds()).toEqual(["inline", "inline", "object"]);
    expect((await values(other, "t")).map((value) => value.slice(0, 4))).toEqual(["0=sm", "1=sm", "2=vv"]);
  });

  it("keeps small ones inline", async () => {
    const { other, kinds } = await contended();
    await produce(other, "t", [small]);
    expect(await kinds()).toEqual(["inline", "inline", "inline"]);
  });

  it("goes by the topic's own limit again when none was lost for a while", async () => {
    const { other, kinds, pass } = await contended();
    await produce(other, "t", [small]);
    pass(CONTENDED_MS);
    await produce(other, "t", [large]);
    expect((await kinds()).at(-1)).toBe("inline");
  });
});

describe("a partition with one writer", () => {
  it("keeps what the topic allows inline", async () => {
    const broker = memoryBroker();
    const log = logKey(await topicOf(broker, "t"), 0);
    await produce(broker, "t", [large]);
    const { items } = await broker.logStore.readItems(log, 0, { maxItems: 10, maxBytes: 1 << 20 });
    expect(items.map(({ payload }) => payload.kind)).toEqual(["inline"]);
  });
});
