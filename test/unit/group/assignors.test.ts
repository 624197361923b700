import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AssignorInput, SubscribedMember } from "../../../shared/group/assignors/assignor.ts";
import { assignRange } from "../../../shared/group/assignors/range.ts";
import { assignUniformly } from "../../../shared/group/assignors/uniform.ts";
import { countPartitions, listPartitions, type PartitionsByTopic } from "../../../shared/group/partitions-by-topic.ts";

const TOPICS = ["t0", "t1", "t2", "t3", "t4"];
const RACKS = ["a", "b", "c"];

const topics = fc
  .tuple(...TOPICS.map(() => fc.integer({ min: 1, max: 12 })))
  .map((counts) => TOPICS.map((topicId, index) => ({ topicId, partitionCount: counts[index]! })));

/** Members that hold what an assignment before gave to them: some partitions of some topics, nobody the same ones. */
const input = (isMixed: boolean, hasRacks = false) =>
  fc
    .record({
      topics,
      count: fc.integer({ min: 1, max: 12 }),
      subscriptions: fc.array(fc.subarray(TOPICS, { minLength: 1 }), { minLength: 12, maxLength: 12 }),
      owners: fc.array(fc.integer({ min: -1, max: 13 }), { minLength: 60, maxLength: 60 }),
      racks: fc.array(fc.constantFrom(...RACKS), { minLength: 60, maxLength: 60 }),
    })
    .map(({ topics, count, subscriptions, owners, racks }): AssignorInput => {
      const all = topics.flatMap(({ topicId, partitionCount }) =>
        Array.from({ length: partitionCount }, (_, partition) => ({ topicId, partition })),
      );
      const members = Array.from({ length: count }, (_, index): SubscribedMember => {
        const topicIds = isMixed ? subscriptions[index]! : TOPICS;
        const held = all.filter((_, at) => owners[at % owners.length] === index);
        const assigned = Object.fromEntries(
          Object.entries(Object.groupBy(held, ({ topicId }) => topicId)).map(([topicId, list]) => [
            topicId,
            list!.map(({ partition }) => partition),
          ]),
        );
        const rack = hasRacks ? { rackId: racks[index]! } : {};
        return { memberId: `m${index + 10}`, topicIds, assigned, ...rack };
      });
      const subscribed = new Set(members.flatMap(({ topicIds }) => topicIds));
      return {
        members,
        topics: topics
          .filter(({ topicId }) => subscribed.has(topicId))
          .map((topic) => ({
            ...topic,
            ...(hasRacks && {
              partitionRacks: Array.from({ length: topic.partitionCount }, (_, at) => [racks[(at * 7) % 60]!]),
            }),
          })),
      };
    });

const sizes = (assignment: Map<string, PartitionsByTopic>) => [...assignment.values()].map(countPartitions);

/** Every partition of the topics has just one owner, which subscribes to its topic. */
function expectWhole({ members, topics }: AssignorInput, assignment: Map<string, PartitionsByTopic>): void {
  const all = [...assignment].flatMap(([memberId, set]) => listPartitions(set).map((each) => ({ memberId, ...each })));
  expect(new Set(all.map(({ topicId, partition }) => `${topicId}#${partition}`)).size).toBe(all.length);
  expect(all.length).toBe(topics.reduce((sum, { partitionCount }) => sum + partitionCount, 0));
  for (const { memberId, topicId } of all) {
    expect(members.find((member) => member.memberId === memberId)!.topicIds).toContain(topicId);
  }
}

const kept = ({ members }: AssignorInput, assignment: Map<string, PartitionsByTopic>) =>
  members.reduce((sum, { memberId, assigned }) => {
    const now = new Set(
      listPartitions(assignment.get(memberId)!).map(({ topicId, partition }) => `${topicId}#${partition}`),
    );
    return sum + listPartitions(assigned).filter(({ topicId, partition }) => now.has(`${topicId}#${partition}`)).length;
  }, 0);

describe("the uniform assignor", () => {
  it("shares out every partition once, and balances members that subscribe alike within one", () => {
    fc.assert(
      fc.property(input(false), (given) => {
        const assignment = assignUniformly(given);
        expectWhole(given, assignment);
        expect(Math.max(...sizes(assignment)) - Math.min(...sizes(assignment))).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("moves no more than balance asks for", () => {
    fc.assert(
      fc.property(input(false), (given) => {
        const total = given.topics.reduce((sum, { partitionCount }) => sum + partitionCount, 0);
        const quota = Math.floor(total / given.members.length);
        let extras = total % given.members.length;
        const most = given.members.reduce((sum, { assigned }) => {
          const held = countPartitions(assigned);
          if (held > quota && extras-- > 0) return sum + quota + 1;
          return sum + Math.min(held, quota);
        }, 0);
        expect(kept(given, assignUniformly(given))).toBe(most);
      }),
    );
  });

  it("gives the same again when nothing changed, in whatever order the members come", () => {
    fc.assert(
      fc.property(input(true), (given) => {
        const assignment = assignUniformly(given);
        const members = given.members.map((member) => ({ ...member, assigned: assignment.get(member.memberId)! }));
        expect(assignUniformly({ ...given, members: members.toReversed() })).toEqual(assignment);
      }),
    );
  });

  it("leaves nobody with two more than another who could have one of them, where subscriptions differ", () => {
    fc.assert(
      fc.property(input(true), (given) => {
        const assignment = assignUniformly(given);
        expectWhole(given, assignment);
        for (const one of given.members) {
          const owned = assignment.get(one.memberId)!;
          for (const other of given.members) {
            const couldTake = Object.keys(owned).some((topicId) => other.topicIds.includes(topicId));
            const lead = countPartitions(owned) - countPartitions(assignment.get(other.memberId)!);
            if (couldTake) expect(lead).toBeLessThanOrEqual(1);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keeps what every member has when one more comes, but for the share of that one", () => {
    fc.assert(
      fc.property(input(false), (given) => {
        const before = assignUniformly(given);
        const members = given.members.map((member) => ({ ...member, assigned: before.get(member.memberId)! }));
        const after = assignUniformly({
          ...given,
          members: [...members, { memberId: "n", topicIds: TOPICS, assigned: {} }],
        });
        for (const { memberId } of given.members) {
          expect(countPartitions(after.get(memberId)!)).toBeLessThanOrEqual(countPartitions(before.get(memberId)!));
          const now = listPartitions(after.get(memberId)!);
          for (const each of now) expect(before.get(memberId)![each.topicId]).toContain(each.partition);
        }
      }),
    );
  });

  it("balances just as well with racks, and puts no fewer partitions near than without", () => {
    fc.assert(
      fc.property(input(false, true), (given) => {
        const fresh = { ...given, members: given.members.map((member) => ({ ...member, assigned: {} })) };
        const near = (assignment: Map<string, PartitionsByTopic>) =>
          fresh.members.reduce((sum, { memberId, rackId }) => {
            const owned = listPartitions(assignment.get(memberId)!);
            const isNear = ({ topicId, partition }: { topicId: string; partition: number }) =>
              given.topics.find((topic) => topic.topicId === topicId)!.partitionRacks![partition]!.includes(rackId!);
            return sum + owned.filter(isNear).length;
          }, 0);
        const assignment = assignUniformly(fresh);
        expectWhole(fresh, assignment);
        expect(Math.max(...sizes(assignment)) - Math.min(...sizes(assignment))).toBeLessThanOrEqual(1);
        const without = assignUniformly({
          topics: fresh.topics.map(({ topicId, partitionCount }) => ({ topicId, partitionCount })),
          members: fresh.members.map(({ memberId, topicIds, assigned }) => ({ memberId, topicIds, assigned })),
        });
        expect(near(assignment)).toBeGreaterThanOrEqual(near(without));
      }),
    );
  });

  it("has nothing to do without members, and gives members without topics nothing", () => {
    expect(assignUniformly({ members: [], topics: [] })).toEqual(new Map());
    const member = { memberId: "m", topicIds: [], assigned: {} };
    expect(assignUniformly({ members: [member], topics: [] })).toEqual(new Map([["m", {}]]));
  });
});

describe("the range assignor", () => {
  const member = (memberId: string, topicIds = ["t0", "t1"], instanceId?: string): SubscribedMember => ({
    memberId,
    topicIds,
    assigned: {},
    ...(instanceId === undefined ? {} : { instanceId }),
  });
  const two = [
    { topicId: "t0", partitionCount: 3 },
    { topicId: "t1", partitionCount: 3 },
  ];

  it("gives each member a run of each topic, the same of topics that are alike", () => {
    expect(assignRange({ members: [member("b"), member("a")], topics: two })).toEqual(
      new Map([
        ["a", { t0: [0, 1], t1: [0, 1] }],
        ["b", { t0: [2], t1: [2] }],
      ]),
    );
  });

  it("goes by instanceId before memberId, static members first", () => {
    const members = [member("a"), member("y", undefined, "2"), member("z", undefined, "1")];
    expect([...assignRange({ members, topics: two }).keys()]).toEqual(["z", "y", "a"]);
  });

  it("shares out every topic among its own subscribers, each within one", () => {
    fc.assert(
      fc.property(input(true), (given) => {
        const assignment = assignRange(given);
        expectWhole(given, assignment);
        for (const { topicId } of given.topics) {
          const shares = given.members
            .filter(({ topicIds }) => topicIds.includes(topicId))
            .map(({ memberId }) => assignment.get(memberId)![topicId] ?? []);
          const counts = shares.map(({ length }) => length);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          for (const run of shares) expect(run.every((partition, at) => partition === run[0]! + at)).toBe(true);
        }
      }),
    );
  });
});
