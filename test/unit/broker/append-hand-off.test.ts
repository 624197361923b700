import { beforeEach, describe, expect, it } from "vitest";
import type { AsyncInvocation } from "../../../shared/broker/append-hand-off.ts";
import { appendHandedOff } from "../../../shared/broker/append-handed-off.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { deleteTopic } from "../../../shared/broker/delete-topic.ts";
import { handedOffAppends } from "../../../shared/broker/handed-off-event.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { MemorySegmentRegistry } from "../../../shared/storage/memory/memory-segment-registry.ts";
import { memoryParts, produce, topicOf, values } from "../../fixtures/broker.ts";
import { RecordedMetrics } from "../../fixtures/recorded-metrics.ts";

/** Keeps the events; `fail` is thrown in place of the next answers. */
class Invocations implements AsyncInvocation {
  maxEventBytes = 1_000_000;
  readonly events: string[] = [];
  fail: KafkaError | undefined;
  attempts = 0;

  async invoke(event: string): Promise<void> {
    this.attempts++;
    if (this.fail !== undefined) throw this.fail;
    this.events.push(event);
  }
}

let aheadMs = 0;
let invocations: Invocations;
let metrics: RecordedMetrics;
let broker: Broker;
beforeEach(() => {
  aheadMs = 0;
  invocations = new Invocations();
  metrics = new RecordedMetrics();
  const clock = { ...systemClock, now: () => Date.now() + aheadMs };
  broker = openBroker(memoryParts({ asyncInvocation: invocations, clock, metrics }));
});

const NONE = { acks: 0 } as const;

/** As the function that is invoked does with the events so far, in a process that knows nothing. */
async function arrive(events = invocations.events.splice(0)): Promise<void> {
  for (const event of events) {
    const appends = handedOffAppends(JSON.parse(event));
    await appendHandedOff(openBroker({ ...broker, metrics }), appends!, 5_000);
  }
}

it("is not frozen before what it began is out: the upkeep of the log that it wrote to", async () => {
  const rung: string[] = [];
  const invoke = async (event: string) => {
    await new Promise((resolve) => setTimeout(resolve, 50));
    rung.push(event);
  };
  const upkeepInvocations = new Map([[1, { maxEventBytes: 1_000, invoke }]]);
  await topicOf(broker, "t");
  await produce(broker, "t", [{ value: "a" }], NONE);
  await broker.background.settled();
  const appends = handedOffAppends(JSON.parse(invocations.events[0]!));
  const segmentRegistry = new MemorySegmentRegistry();
  await appendHandedOff(openBroker({ ...broker, segmentRegistry, upkeepInvocations }), appends!, 5_000);
  expect(rung).toEqual(['{"upkeep":true}']);
});

describe("a produce with acks=0, where another invocation can write", () => {
  it("is answered before anything is written, and written by the other invocation", async () => {
    await topicOf(broker, "t");
    expect(await produce(broker, "t", [{ value: "a" }, { value: "b" }], NONE)).toEqual(["0:-1", "0:-1"]);
    await broker.background.settled();
    expect(await values(broker, "t")).toEqual([]);
    await arrive();
    expect(await values(broker, "t")).toEqual(["0=a", "1=b"]);
  });

  it("takes one invocation for all partitions of a request, and keeps the order within each", async () => {
    await topicOf(broker, "t", 4);
    const records = Array.from({ length: 40 }, (_, index) => ({ partition: index % 4, value: `${index}` }));
    await produce(broker, "t", records, NONE);
    expect(invocations.events).toHaveLength(1);
    await arrive();
    for (let partition = 0; partition < 4; partition++) {
      const expected = Array.from({ length: 10 }, (_, index) => `${index}=${index * 4 + partition}`);
      expect(await values(broker, "t", partition)).toEqual(expected);
    }
  });

  it("is written before its answer when it is idempotent: a sequence is an order, and invocations have none", async () => {
    await topicOf(broker, "t");
    const send = (baseSequence: number) =>
      produce(broker, "t", [{ partition: 0, value: `${baseSequence}` }], {
        ...NONE,
        producer: { producerId: 1, producerEpoch: 0, baseSequence },
      });
    for (const sequence of [0, 1, 2]) await send(sequence);
    await broker.background.settled();
    expect(invocations.attempts).toBe(0);
    expect(await values(broker, "t")).toEqual(["0=0", "1=1", "2=2"]);
  });

  it("is written before its answer when it is too large for an event, and fits by the byte otherwise", async () => {
    await topicOf(broker, "t");
    for (const length of [100, 740_000, 749_000, 760_000, 1_000_000]) {
      await produce(broker, "t", [{ value: "x".repeat(length) }], NONE);
    }
    await broker.background.settled();
    for (const event of invocations.events) expect(event.length).toBeLessThanOrEqual(invocations.maxEventBytes);
    expect(invocations.events.length).toBeGreaterThanOrEqual(2);
    await arrive();
    expect(await values(broker, "t")).toHaveLength(5);
  });

  it("goes in several events where one does not hold it all", async () => {
    await topicOf(broker, "t", 4);
    const records = [0, 1, 2, 3].map((partition) => ({ partition, value: "x".repeat(400_000) }));
    await produce(broker, "t", records, NONE);
    expect(invocations.events).toHaveLength(4);
    for (const event of invocations.events) expect(event.length).toBeLessThanOrEqual(invocations.maxEventBytes);
    await arrive();
    for (let partition = 0; partition < 4; partition++) expect(await values(broker, "t", partition)).toHaveLength(1);
  });

  it("is written here when the invocation is refused, and asks for none again for half a minute", async () => {
    await topicOf(broker, "t");
    invocations.fail = new KafkaError("UNKNOWN_SERVER_ERROR", "no permission");
    for (const value of ["a", "b"]) await produce(broker, "t", [{ value }], NONE);
    await broker.background.settled();
    expect(await values(broker, "t")).toEqual(["0=a", "1=b"]);
    expect(invocations.attempts).toBe(1);
    invocations.fail = undefined;
    aheadMs = 31_000;
    await produce(broker, "t", [{ value: "c" }], NONE);
    expect(invocations.events).toHaveLength(1);
  });

  it("is not written here as well when nobody knows whether the invocation was taken", async () => {
    await topicOf(broker, "t");
    invocations.fail = new KafkaError("KAFKA_STORAGE_ERROR", "no answer", { outcome: "unknown" });
    expect(await produce(broker, "t", [{ value: "a" }], NONE)).toEqual(["0:-1"]);
    await broker.background.settled();
    expect(await values(broker, "t")).toEqual([]);
  });
});

describe("an append that was handed off", () => {
  const HOUR_MS = 3_600_000;

  it("is there once, however often its event comes again, and wherever the log has got to since", async () => {
    await topicOf(broker, "t");
    for (const timestamp of [undefined, Date.now() - HOUR_MS, Date.now() + HOUR_MS / 2]) {
      await produce(broker, "t", [{ value: "a", ...(timestamp === undefined ? {} : { timestamp }) }], NONE);
      const events = invocations.events.splice(0);
      await arrive(events);
      for (let count = 0; count < 5; count++) await produce(broker, "t", [{ value: "other" }]);
      const before = await values(broker, "t");
      aheadMs += 61_000;
      for (let again = 0; again < 2; again++) await arrive(events);
      expect(await values(broker, "t")).toEqual(before);
    }
  });

  it("is appended by an event that comes late for the first time", async () => {
    await topicOf(broker, "t");
    await produce(broker, "t", [{ value: "before" }]);
    await produce(broker, "t", [{ value: "late" }], NONE);
    for (let count = 0; count < 3; count++) await produce(broker, "t", [{ value: "since" }]);
    aheadMs = 300_000;
    await arrive();
    expect((await values(broker, "t")).at(-1)).toBe("4=late");
  });

  it("does not go into a topic that was created anew under the name", async () => {
    await topicOf(broker, "t");
    await produce(broker, "t", [{ value: "a" }], NONE);
    await deleteTopic(broker, "t");
    await topicOf(broker, "t");
    await arrive();
    expect(await values(broker, "t")).toEqual([]);
    expect(metrics.counts.Errors).toBeUndefined();
  });

  it("is checked as what comes from outside is: batches that are none are refused, and nobody fails", async () => {
    const topicId = await topicOf(broker, "t");
    const batches = encodeBatch([{ key: null, value: Buffer.from("a"), headers: [], timestamp: Date.now() }]);
    batches[30] = batches[30]! ^ 1;
    const append = { topic: "t", topicId, partition: 0, appendId: "a".repeat(22), handedOffAt: Date.now(), batches };
    await appendHandedOff(broker, [append], 5_000);
    await appendHandedOff(broker, [{ ...append, partition: 7 }], 5_000);
    await appendHandedOff(broker, [{ ...append, batches: Buffer.from("nothing") }], 5_000);
    expect(await values(broker, "t")).toEqual([]);
  });

  it("has an item of its own, under its own id, between others that are grouped", async () => {
    const topicId = await topicOf(broker, "t");
    const batch = (value: string) =>
      encodeBatch([{ key: null, value: Buffer.from(value), headers: [], timestamp: Date.now() }]);
    const send = (value: string, appendId?: string) =>
      produceBatches(broker, {
        topic: "t",
        partition: 0,
        batches: batch(value),
        acks: 1,
        timeoutMs: 5_000,
        ...(appendId === undefined ? {} : { appendId }),
      });
    await Promise.all([send("a"), send("b"), send("c", "named-append-id-000001"), send("d"), send("e")]);
    const { items } = await broker.logStore.readItems(`${topicId}#0`, 0, { maxItems: 10, maxBytes: 1_000_000 });
    expect(items.map(({ baseOffset, lastOffset }) => [baseOffset, lastOffset])).toEqual([
      [0, 1],
      [2, 2],
      [3, 4],
    ]);
    expect(items[1]!.appendId).toBe("named-append-id-000001");
  });
});

describe("the event of appends that were handed off", () => {
  const sound = {
    topic: "t",
    topicId: "066e9d84-a943-448b-8edc-1cab37536d70",
    partition: 0,
    appendId: "a".repeat(22),
    handedOffAt: 1,
    batches: "AAAA",
  };

  it("is none of API Gateway's, whatever its caller put into it", () => {
    const forged = { httpMethod: "POST", path: "/", body: JSON.stringify({ handedOffAppends: [sound] }) };
    expect(handedOffAppends(forged)).toBeUndefined();
    expect(handedOffAppends({ ...forged, handedOffAppends: [sound] })).toBeUndefined();
    for (const other of [undefined, null, "handedOffAppends", [], {}, { Records: [] }]) {
      expect(handedOffAppends(other)).toBeUndefined();
    }
  });

  it("is refused whole where anything in it is wrong", () => {
    expect(handedOffAppends({ handedOffAppends: [sound] })).toMatchObject([{ topic: "t", handedOffAt: 1 }]);
    for (const wrong of [
      { topic: "a b" },
      { topicId: "x" },
      { partition: -1 },
      { partition: "0" },
      { appendId: "short" },
      { handedOffAt: 1.5 },
      { batches: "?" },
      { batches: "" },
      { batches: [1] },
    ]) {
      expect(() => handedOffAppends({ handedOffAppends: [{ ...sound, ...wrong }] })).toThrow(/handedOffAppends\.0/);
    }
    for (const list of [[], {}, [null], "x"]) expect(() => handedOffAppends({ handedOffAppends: list })).toThrow();
    expect(() => handedOffAppends({ handedOffAppends: [sound], more: 1 })).toThrow(/alone/);
  });
});
