import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { sweepGroups } from "../../../../shared/broker/groups/sweep-groups.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import type { Group } from "../../../../shared/group/group.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { memoryParts, produce, topicOf } from "../../../fixtures/broker.ts";
import { RecordedMetrics } from "../../../fixtures/recorded-metrics.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const name = (n: number) => `g${String(n).padStart(5, "0")}`;

/** As the memory store, which sorts all of its listings each time; and it counts, and takes its time. */
class Counted {
  readonly memory = new MemoryGroupStore();
  readonly counts: Record<string, number> = {};
  readonly read: string[] = [];
  readonly store: GroupStore;
  latencyMs = 0;
  readonly #listed: { groupId: string; sweepAt: number }[] = [];

  constructor(clock: Clock) {
    this.store = new Proxy<GroupStore>(this.memory, {
      get: (target, property) => {
        const operation = (property === "listGroups" ? this.#list : Reflect.get(target, property, target)) as unknown;
        if (typeof operation !== "function") return operation;
        return async (...args: unknown[]) => {
          const what = String(property);
          this.counts[what] = (this.counts[what] ?? 0) + 1;
          if (what === "readGroup") this.read.push(args[0] as string);
          if (this.latencyMs > 0) await clock.sleep(this.latencyMs);
          return operation.apply(target, args) as unknown;
        };
      },
    });
  }

  async fill(count: number, group: (n: number) => Group, sweepAt: number): Promise<void> {
    for (let n = 0; n < count; n++) {
      const groupId = name(n);
      await this.memory.write(groupId, [{ kind: "put-group", group: group(n) }]);
      this.#listed.push({ groupId, sweepAt });
    }
  }

  forget(): void {
    for (const what of Object.keys(this.counts)) delete this.counts[what];
    this.read.length = 0;
  }

  readonly #list: GroupStore["listGroups"] = async ({ limit, after = "", sweepBefore = Number.POSITIVE_INFINITY }) => {
    const begin = after === "" ? 0 : this.#listed.findIndex(({ groupId }) => groupId > after);
    if (begin < 0) return [];
    const found = [];
    for (let at = begin; at < this.#listed.length && found.length < limit; at++)
      if (this.#listed[at]!.sweepAt < sweepBefore) found.push(this.#listed[at]!);
    return found;
  };
}

/** In use, and looked after by its members: a sweep has nothing to do for it. */
const inUse = (now: number, change: (n: number) => Partial<Group> = () => ({})) => {
  return (n: number): Group =>
    ({
      type: "consumer",
      groupId: name(n),
      incarnation: "i",
      version: 1,
      reviewAt: now + DAY_MS,
      memberCount: 2,
      groupEpoch: 1,
      assignmentEpoch: 1,
      topicsDigest: "",
      ...change(n),
    }) as Group;
};

const GROUPS = 20_000;

interface Many {
  readonly many: Counted;
  /** By a process that remembers nothing of where the last one stopped. */
  sweep(): ReturnType<typeof sweepGroups>;
  readonly clock: Clock;
  readonly metrics: RecordedMetrics;
  readonly broker: Broker;
}

function withMany(test: (parts: Many) => Promise<void>): () => Promise<void> {
  return () =>
    inVirtualTime(async (clock) => {
      const many = new Counted(clock);
      const metrics = new RecordedMetrics();
      const parts = memoryParts({ clock, groupStore: many.store, metrics });
      const sweep = () => sweepGroups(openBroker(parts), { untilMs: clock.now() + 23_000 });
      await test({ many, sweep, clock, metrics, broker: openBroker(parts) });
    });
}

describe("the sweep over twenty thousand groups", () => {
  it(
    "reads none of those that are empty before their time",
    withMany(async ({ many, sweep, clock }) => {
      const now = clock.now();
      await many.fill(
        GROUPS,
        inUse(now, () => ({ emptySince: now })),
        now + DAY_MS,
      );
      expect(await sweep()).toMatchObject({ groups: 0, next: undefined });
      expect(many.counts).toEqual({ readSweepPlace: 1, listGroups: 1 });
    }),
  );

  it(
    "reads those in use a hundred at a time, and looks at two thousand of them",
    withMany(async ({ many, sweep, clock, metrics }) => {
      await many.fill(GROUPS, inUse(clock.now()), 0);
      expect(await sweep()).toMatchObject({ groups: GROUPS, members: 2 * GROUPS, next: name(1_999) });
      expect(metrics.gauges).toMatchObject({ GroupMembers: 2 * GROUPS });
      const { readGroups, listGroups, readGroup, listPartitions, putSweepPlace, ...others } = many.counts;
      expect({ readGroups, listGroups, readGroup, listPartitions, putSweepPlace }).toEqual({
        readGroups: 200,
        listGroups: 21,
        readGroup: 2_000,
        listPartitions: 2_000,
        putSweepPlace: 1,
      });
      expect(others).toEqual({ readSweepPlace: 1 });
    }),
  );

  it(
    "comes to each of them in turn, whichever process sweeps",
    withMany(async ({ many, sweep, clock }) => {
      await many.fill(GROUPS, inUse(clock.now()), 0);
      const times = new Map<string, number>();
      for (let minute = 0; minute < 20; minute++) {
        many.forget();
        await sweep();
        for (const groupId of many.read) times.set(groupId, (times.get(groupId) ?? 0) + 1);
      }
      expect(times.size).toBe(GROUPS);
      expect([...new Set(times.values())]).toEqual([2]);
    }),
  );

  it(
    "does what is due in each of its runs, wherever it stands in the order",
    withMany(async ({ many, sweep, clock }) => {
      const now = clock.now();
      // Nobody has touched every thousandth for long: its members are silent.
      await many.fill(
        GROUPS,
        inUse(now, (n) => ({ reviewAt: n % 1_000 === 0 ? now : now + DAY_MS })),
        0,
      );
      await sweep();
      for (let n = 0; n < GROUPS; n += 1_000) {
        const { group } = await many.memory.readGroup(name(n));
        expect(group).toMatchObject({ memberCount: 0, emptySince: now });
      }
    }),
  );

  it(
    "ends in time where the store is slow, and comes to all of them nevertheless",
    withMany(async ({ many, sweep, clock }) => {
      const now = clock.now();
      await many.fill(
        3_000,
        inUse(now, () => ({ reviewAt: 0 })),
        0,
      );
      many.latencyMs = 40;
      const ends: number[] = [];
      for (let runs = 0; runs < 12; runs++) {
        const begins = clock.now();
        await sweep();
        ends.push(clock.now() - begins);
        await clock.sleep(MINUTE_MS - ends.at(-1)!);
      }
      expect(Math.max(...ends)).toBeLessThan(26_500);
      expect(Math.max(...ends)).toBeGreaterThan(23_000);
      const left = (await many.memory.readGroups(Array.from({ length: 3_000 }, (_, n) => name(n)))).filter(
        ({ emptySince }) => emptySince === undefined,
      );
      expect(left).toEqual([]);
    }),
  );

  it(
    "is not held up by one that never answers, nor begins with it again each time",
    withMany(async ({ many, sweep, clock }) => {
      await many.fill(3_000, inUse(clock.now()), 0);
      const readPartitions = many.memory.listPartitions.bind(many.memory);
      many.memory.listPartitions = (groupId, options) =>
        groupId === name(5) ? new Promise(() => {}) : readPartitions(groupId, options);
      const begins = clock.now();
      expect(await sweep()).toMatchObject({ failed: 1, next: name(1_999) });
      expect(clock.now() - begins).toBeLessThan(26_001);
      many.forget();
      await sweep();
      expect(many.read[0]).toBe(name(2_000));
    }),
  );
});

describe("the lag that sweeps tell", () => {
  it(
    "stays that of a group that is far behind, in the sweeps that do not come to it, until one finds that it is not any more",
    withMany(async ({ many, sweep, clock, metrics, broker }) => {
      const topicId = await topicOf(broker, "orders");
      for (let n = 0; n < 7; n++) await produce(broker, "orders", [{}]);
      await many.fill(5_000, inUse(clock.now()), 0);
      const commit = (offset: number) =>
        many.memory.commitOffsets(name(2_500), [
          {
            topicId,
            topic: "orders",
            partition: 0,
            offset: { offset, leaderEpoch: -1, metadata: "", committedAt: clock.now() },
            by: undefined,
          },
        ]);
      await commit(0);
      const told: (number | undefined)[] = [];
      const sweeps = async (count: number) => {
        for (let n = 0; n < count; n++) {
          await sweep();
          told.push(metrics.gauges["ConsumerLag"]);
        }
      };
      await sweeps(9);
      expect(told).toEqual([0, 7, 7, 7, 7, 7, 7, 7, 7]);
      await commit(7);
      told.length = 0;
      await sweeps(12);
      // Two rounds of two and a half sweeps at most.
      expect(told.slice(6)).toEqual([0, 0, 0, 0, 0, 0]);
    }),
  );
});
