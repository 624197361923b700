import { describe, expect, it } from "vitest";
import { keepSweepClock, type SweepClock, type SweepPace } from "../../../../shared/broker/groups/sweep-clock.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { memoryBroker } from "../../../fixtures/broker.ts";

const DAY_MS = 86_400_000;
const IN_USE = 0;

const list = (store: GroupStore, groupId: string, sweepAt: number) =>
  store.write(groupId, [{ kind: "put-listing", listing: { groupId, sweepAt } }]);
const unlist = (store: GroupStore, groupId: string) => store.write(groupId, [{ kind: "delete-listing", groupId }]);

/** Two clocks, as they are just now. */
class Clocks {
  minute = true;
  hour = true;
  readonly asked: string[] = [];

  get pace(): SweepPace {
    if (this.minute) return "minute";
    return this.hour ? "hour" : "never";
  }

  /** `step`: waits for its turn before anything changes. */
  asClock(step: () => Promise<void> = async () => {}): SweepClock {
    const turn = (isOn: boolean) => async (clock: "minute" | "hour") => {
      await step();
      this.asked.push(`${clock} ${isOn ? "on" : "off"}`);
      this[clock] = isOn;
    };
    return { turnOn: turn(true), turnOff: turn(false) };
  }
}

describe("the clock of the sweep", () => {
  it("ticks each minute while a group is in use, each hour while one will expire, and else not at all", async () => {
    const groupStore = new MemoryGroupStore();
    const broker = memoryBroker({ groupStore });
    const clocks = new Clocks();
    const keep = async () => [await keepSweepClock(broker, clocks.asClock()), clocks.pace];
    expect(await keep()).toEqual(["never", "never"]);
    await list(groupStore, "g", IN_USE);
    expect(await keep()).toEqual(["minute", "minute"]);
    await list(groupStore, "g", Date.now() + 7 * DAY_MS);
    expect(await keep()).toEqual(["hour", "hour"]);
    await list(groupStore, "other", Date.now() - 1);
    expect(await keep()).toEqual(["minute", "minute"]);
    await unlist(groupStore, "other");
    await unlist(groupStore, "g");
    expect(await keep()).toEqual(["never", "never"]);
  });

  it("is not touched by a sweep that it has brought itself, and that finds its pace right", async () => {
    const groupStore = new MemoryGroupStore();
    await list(groupStore, "g", IN_USE);
    const clocks = new Clocks();
    await keepSweepClock(memoryBroker({ groupStore }), clocks.asClock(), "minute");
    expect(clocks.asked).toEqual([]);
    await keepSweepClock(memoryBroker({ groupStore }), clocks.asClock(), "hour");
    expect(clocks.asked).toEqual(["minute on"]);
  });

  it("fails with what the group store or the clocks fail with, so that it is done again", async () => {
    const broken = {
      ...new Clocks().asClock(),
      turnOff: () => Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "off")),
    };
    await expect(keepSweepClock(memoryBroker(), broken)).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
  });
});

/** Somebody whose every step waits to be chosen; it may die before one of them. */
type Actor = (step: () => Promise<void>) => Promise<unknown>;

/** Thrown by a step that never comes. */
class Death extends Error {}

/**
 * Runs actors step by step, by turns: the index of whose turn it is, at each step; 0 when they have run out. Answers how many there were to choose from
 * at each step. `deaths`: by actor, at which of its steps it dies.
 */
async function interleaved(actors: readonly Actor[], turns: readonly number[], deaths: ReadonlyMap<number, number>) {
  const waiting = new Map<number, () => void>();
  const running = actors.map(async (actor, index) => {
    let steps = 0;
    const step = () => {
      if (steps++ === deaths.get(index)) throw new Death();
      return new Promise<void>((resolve) => waiting.set(index, resolve));
    };
    await actor(async () => step()).catch((error) => {
      if (!(error instanceof Death)) throw error;
    });
  });
  const choices: number[] = [];
  for (let at = 0; ; at++) {
    await new Promise(setImmediate);
    const ready = [...waiting.keys()].toSorted();
    if (ready.length === 0) break;
    choices.push(ready.length);
    const chosen = ready[turns[at] ?? 0]!;
    const go = waiting.get(chosen)!;
    waiting.delete(chosen);
    go();
  }
  await Promise.all(running);
  return choices;
}

/** Every order in which the actors' steps can come; `check` after each. */
async function inEveryOrder(begin: () => Promise<{ actors: Actor[]; check(): Promise<void> }>, deaths = new Map()) {
  let orders = 0;
  for (let turns: number[] | undefined = []; turns !== undefined; ) {
    const { actors, check } = await begin();
    const choices: number[] = await interleaved(actors, turns, deaths);
    await check();
    orders++;
    const taken = choices.map((_, at): number => turns?.[at] ?? 0);
    const last = taken.findLastIndex((turn, at) => turn < choices[at]! - 1);
    turns = last < 0 ? undefined : [...taken.slice(0, last), taken[last]! + 1];
  }
  return orders;
}

/** The sweep's end, or the group table's stream: both do the same. */
const keeping = (store: GroupStore, clocks: Clocks, current?: SweepPace): Actor => {
  return (step) => {
    const groupStore = new Proxy(store, {
      get: (target, name) =>
        name === "listGroups"
          ? async (options: Parameters<GroupStore["listGroups"]>[0]) => {
              await step();
              return target.listGroups(options);
            }
          : Reflect.get(target, name, target),
    });
    return keepSweepClock(memoryBroker({ groupStore }), clocks.asClock(step), current);
  };
};

/** A group that begins, or comes to its end, and the stream's record of it. */
const changing = (store: GroupStore, clocks: Clocks, change: () => Promise<unknown>): Actor => {
  return async (step) => {
    await step();
    await change();
    await keeping(store, clocks)(step);
  };
};

const SLOWNESS: readonly SweepPace[] = ["minute", "hour", "never"];
const isFastEnough = (pace: SweepPace, needed: SweepPace) => SLOWNESS.indexOf(pace) <= SLOWNESS.indexOf(needed);

/** `needed`: the pace that the groups need in the end. Then one more look finds it, and leaves no clock on that nobody needs. */
async function expectKept(store: GroupStore, clocks: Clocks, needed: SweepPace): Promise<void> {
  expect([clocks.pace, needed, isFastEnough(clocks.pace, needed)]).toEqual([clocks.pace, needed, true]);
  await keepSweepClock(memoryBroker({ groupStore: store }), clocks.asClock());
  expect(clocks.pace).toBe(needed);
}

describe("clocks that several look after at once, in every order of their steps", () => {
  it("tick for a group that begins while a sweep that found none stops them", async () => {
    const orders = await inEveryOrder(async () => {
      const store = new MemoryGroupStore();
      const clocks = new Clocks();
      const begins = changing(store, clocks, () => list(store, "g", IN_USE));
      return {
        actors: [keeping(store, clocks, "minute"), begins],
        check: () => expectKept(store, clocks, "minute"),
      };
    });
    expect(orders).toBeGreaterThan(50);
  });

  it("tick for a group that begins while another's end slows them down", async () => {
    const orders = await inEveryOrder(async () => {
      const store = new MemoryGroupStore();
      const clocks = new Clocks();
      await list(store, "old", IN_USE);
      const ends = changing(store, clocks, () => list(store, "old", Date.now() + DAY_MS));
      const begins = changing(store, clocks, () => list(store, "new", IN_USE));
      return { actors: [ends, begins], check: () => expectKept(store, clocks, "minute") };
    });
    expect(orders).toBeGreaterThan(50);
  });

  it("tick for a group that begins while a sweep stops them and dies, at any step, once the sweep was repeated", async () => {
    for (let death = 0; death < 8; death++) {
      await inEveryOrder(
        async () => {
          const store = new MemoryGroupStore();
          const clocks = new Clocks();
          const begins = changing(store, clocks, () => list(store, "g", IN_USE));
          const check = async () => {
            await keeping(store, clocks)(async () => {});
            await expectKept(store, clocks, "minute");
          };
          return { actors: [keeping(store, clocks, "minute"), begins], check };
        },
        new Map([[0, death]]),
      );
    }
  });

  it("are found out to be wrong by these orders, if whoever stops them does not look again", async () => {
    let missed = 0;
    await inEveryOrder(async () => {
      const store = new MemoryGroupStore();
      const clocks = new Clocks();
      const careless: Actor = async (step) => {
        await step();
        if ((await store.listGroups({ limit: 1 })).length > 0) return;
        await clocks.asClock(step).turnOff("minute");
      };
      const begins = changing(store, clocks, () => list(store, "g", IN_USE));
      const check = async () => {
        if (clocks.pace !== "minute") missed++;
      };
      return { actors: [careless, begins], check };
    });
    expect(missed).toBeGreaterThan(0);
  });
});
