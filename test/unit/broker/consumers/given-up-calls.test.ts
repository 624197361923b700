import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { assignmentOf } from "../../../../shared/broker/consumers/assign-instance.ts";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { commitInstanceOffsets, committedOf } from "../../../../shared/broker/consumers/instance-offsets.ts";
import type { InstanceResult } from "../../../../shared/broker/consumers/instance-refusal.ts";
import { pollInstance } from "../../../../shared/broker/consumers/poll-instance.ts";
import { seek } from "../../../../shared/broker/consumers/seek-instance.ts";
import { subscribe, unsubscribe } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { v2RecordList } from "../../../../shared/http/routes/v2-consumer-record-list.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../../shared/storage/memory/memory-instance-store.ts";
import { memoryParts, produce, topicOf } from "../../../fixtures/broker.ts";
import { faulty, NO_FAULTS } from "../../../sim/faulty.ts";
import { Scheduler } from "../../../sim/scheduler.ts";

const G = "g";
const PARTITIONS = 4;
const UNTIL_MS = 240_000;

interface World {
  readonly scheduler: Scheduler;
  readonly processes: readonly Broker[];
  /** By `partition@offset`: how often a client was done with the record. */
  readonly done: Map<string, number>;
  /** What a client was handed, and could not commit although it had asked for nothing else since. */
  readonly takenAway: string[];
  givenUp: number;
  commits: number;
}

type Call = { readonly groupId: string; readonly instanceId: string; readonly receivedAt: number };

/** A client of one instance that asks one thing at a time, gives up what takes too long, and asks again through another process. */
class Client {
  readonly #world: World;
  readonly #instanceId: string;
  #hasMissed = false;

  constructor(world: World, instanceId: string) {
    this.#world = world;
    this.#instanceId = instanceId;
  }

  async live(): Promise<void> {
    const { scheduler } = this.#world;
    const end = scheduler.now + UNTIL_MS;
    await this.#subscribe();
    while (scheduler.now < end) {
      if (scheduler.chance(0.03)) {
        await this.#insist((broker, call) => unsubscribe(broker, call));
        this.#hasMissed = false;
        await scheduler.sleep(scheduler.integer(8_000));
        await this.#subscribe();
      }
      if (this.#hasMissed) await this.#seekBack();
      await this.#readAndCommit();
      await scheduler.sleep(scheduler.integer(1_500));
    }
    await this.#insist((broker, call) => unsubscribe(broker, call));
  }

  async #readAndCommit(): Promise<void> {
    const { scheduler, done, takenAway } = this.#world;
    const read = await this.#ask((broker, call) => {
      const timeoutMs = scheduler.integer(3_000);
      return pollInstance(broker, { ...call, formats: ["binary"], maxBytes: 300, timeoutMs }, (found, format) =>
        v2RecordList(found, format, 300),
      );
    });
    // Whatever an answer held that did not come: it is sought back to.
    if (read === undefined) this.#hasMissed = true;
    if (read?.ok !== true) return;
    const records = read.value.texts.map((text) => JSON.parse(text) as { partition: number; offset: number });
    if (records.length === 0) return;
    await scheduler.sleep(scheduler.integer(6_000));
    const ends = new Map<number, number>();
    for (const { partition, offset } of records) {
      ends.set(partition, offset + 1);
      done.set(`${partition}@${offset}`, (done.get(`${partition}@${offset}`) ?? 0) + 1);
    }
    const offsets = [...ends].map(([partition, offset]) => ({ topic: "t", partition, offset }));
    const committed = await this.#insist((broker, call) => commitInstanceOffsets(broker, call, offsets));
    this.#world.commits++;
    if (!committed.ok) takenAway.push(`${this.#instanceId} ${scheduler.now}: ${committed.refusal.message}`);
  }

  /** To what it has committed, which is what it was done with. After the first of these calls nothing that it has given up moves the instance any more. */
  async #seekBack(): Promise<void> {
    await this.#insist((broker, call) => seek(broker, call, []));
    const assigned = await this.#insist((broker, call) => assignmentOf(broker, call));
    if (!assigned.ok) throw new Error(assigned.refusal.message);
    const committed = await this.#insist((broker, call) => committedOf(broker, call, assigned.value));
    if (!committed.ok) throw new Error(committed.refusal.message);
    const known = new Map(committed.value.map(({ partition, offset }) => [partition, offset]));
    const seeks = assigned.value.map((each) => ({ ...each, offset: known.get(each.partition) ?? 0 }));
    const sought = await this.#insist((broker, call) => seek(broker, call, seeks));
    if (!sought.ok) throw new Error(sought.refusal.message);
    this.#hasMissed = false;
  }

  #subscribe() {
    return this.#insist((broker, call) => subscribe(broker, call, { kind: "topics", topics: ["t"] }));
  }

  /** Until it is answered, and not told to try again. */
  async #insist<T>(work: (broker: Broker, call: Call) => Promise<InstanceResult<T>>): Promise<InstanceResult<T>> {
    for (let tries = 0; tries < 200; tries++) {
      const answer = await this.#ask(work);
      if (answer?.ok || (answer !== undefined && answer.refusal.code !== "COORDINATOR_NOT_AVAILABLE")) return answer;
      await this.#world.scheduler.sleep(200);
    }
    throw new Error("nobody answers");
  }

  /** undefined: it was given up, or failed. */
  async #ask<T>(
    work: (broker: Broker, call: Call) => Promise<InstanceResult<T>>,
  ): Promise<InstanceResult<T> | undefined> {
    const { scheduler, processes } = this.#world;
    const broker = processes[scheduler.integer(processes.length)]!;
    const receivedAt = Math.floor(scheduler.now);
    const asked = scheduler
      // It waits for a process.
      .sleep(scheduler.chance(0.1) ? scheduler.integer(12_000) : scheduler.integer(50))
      .then(() => work(broker, { groupId: G, instanceId: this.#instanceId, receivedAt }))
      .catch((error: unknown) => {
        if (error instanceof KafkaError) return undefined;
        throw error;
      });
    const patience = 1_500 + scheduler.integer(5_000);
    const answer = await Promise.race([asked, scheduler.sleep(patience).then(() => "given up" as const)]);
    if (answer !== "given up") return answer;
    this.#world.givenUp++;
    return undefined;
  }
}

async function run(seed: number) {
  const scheduler = new Scheduler(seed);
  const clock = scheduler.clock(() => 0);
  const groupStore = new MemoryGroupStore();
  const instanceStore = new MemoryInstanceStore();
  const parts = memoryParts({ clock, random: scheduler.random });
  const slow = <S extends object>(store: S) =>
    faulty(store, scheduler, () => ({
      ...NO_FAULTS,
      maxDelayMs: scheduler.chance(0.06) ? 4_000 : 20,
      loseAnswer: 0.02,
    }));
  const processes = [0, 1, 2].map(() =>
    openBroker({ ...parts, groupStore: slow(groupStore), instanceStore: slow(instanceStore) }),
  );
  const world: World = { scheduler, processes, done: new Map(), takenAway: [], givenUp: 0, commits: 0 };
  const quiet = openBroker({ ...parts, groupStore, instanceStore });
  const config = {
    format: "binary",
    autoOffsetReset: "earliest",
    autoCommit: false,
    minBytes: 1,
    clientHost: "/",
  } as const;
  const sent: string[] = [];
  await scheduler.run(
    (async () => {
      await topicOf(quiet, "t", PARTITIONS);
      const ids = ["i", "j", "k"];
      for (const instanceId of ids) await createInstance(quiet, { ...config, groupId: G, instanceId });
      const writing = async () => {
        for (let round = 0; round < 120; round++) {
          const [place] = await produce(quiet, "t", [
            { partition: scheduler.integer(PARTITIONS), value: "x".repeat(90) },
          ]);
          sent.push(place!.replace(":", "@"));
          await scheduler.sleep(scheduler.integer(2_000));
        }
      };
      await Promise.all([writing(), ...ids.map((id) => new Client(world, id).live())]);
      // What nobody was done with yet is there for whoever comes, five minutes after a read that failed in the middle of joining.
      const last = { groupId: G, instanceId: "last" };
      await createInstance(quiet, { ...config, ...last });
      await subscribe(quiet, last, { kind: "topics", topics: ["t"] });
      for (let empty = 0; empty < 8; ) {
        const polled = await pollInstance(quiet, { ...last, formats: ["binary"], maxBytes: 1 << 20 }, (found, format) =>
          v2RecordList(found, format, 1 << 20),
        );
        const texts = polled.ok ? polled.value.texts : [];
        if (texts.length === 0) {
          empty++;
          await scheduler.sleep(60_000);
        }
        for (const text of texts) {
          const { partition, offset } = JSON.parse(text) as { partition: number; offset: number };
          world.done.set(`${partition}@${offset}`, (world.done.get(`${partition}@${offset}`) ?? 0) + 1);
        }
      }
    })(),
    5_000_000,
  );
  return { world, missing: sent.filter((place) => !world.done.has(place)) };
}

describe("instances whose clients give calls up, through processes that are slow", () => {
  for (const seed of [1, 2, 32, 99, 147, 295]) {
    it(`leave a client what it is busy with, and pass over no record (seed ${seed})`, async () => {
      const { world, missing } = await run(seed);
      expect(world.takenAway).toEqual([]);
      expect(missing).toEqual([]);
      expect(world.givenUp).toBeGreaterThan(20);
      expect(world.commits).toBeGreaterThan(20);
    });
  }
});
