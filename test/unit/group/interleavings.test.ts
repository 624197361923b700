import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../../shared/group/group-store.ts";
import { interleave, type PlantedBug } from "./interleavings.ts";

const SEEDS = Array.from({ length: 24 }, (_, index) => index + 1);
const ROUNDS = 40;

/** The store with some operations replaced. */
function withChange(store: GroupStore, change: Partial<GroupStore>): GroupStore {
  return new Proxy(store, {
    get(target, name) {
      const member = (Reflect.get(change, name) ?? Reflect.get(target, name, target)) as unknown;
      return typeof member === "function" ? member.bind(Reflect.has(change, name) ? change : target) : member;
    },
  });
}

const PLANTED_BUGS: Readonly<Record<string, PlantedBug>> = {
  "a commit without its owner": (store) =>
    withChange(store, {
      commitOffsets: async (groupId, commits) => {
        const writes = commits.map(
          ({ topicId, partition, topic, offset }) =>
            ({ kind: "put-offset", partition: { topicId, partition }, topic, offset }) as const,
        );
        const isApplied = await store.write(groupId, writes);
        return commits.map(() => ({ kind: isApplied ? ("committed" as const) : ("overtaken" as const) }));
      },
    }),
  "a commit that does not know how old it is": (store) =>
    withChange(store, {
      commitOffsets: (groupId, commits) =>
        store.commitOffsets(
          groupId,
          commits.map((commit) => ({ ...commit, offset: { ...commit.offset, committedAt: 5 } })),
        ),
    }),
  "members and partitions that change one after the other": (store) =>
    withChange(store, {
      write: async (groupId, writes) => {
        const partitions = writes.filter(({ kind }) => kind === "acquire" || kind === "release");
        const rest = writes.filter(({ kind }) => kind !== "acquire" && kind !== "release");
        if (partitions.length > 0 && !(await store.write(groupId, partitions))) return false;
        return rest.length === 0 || store.write(groupId, rest);
      },
    }),
};

describe("a group whose members and store do what they like", () => {
  it("never has two owners of a partition, never loses a commit to a fenced member, and comes to rest", async () => {
    let [heartbeats, commits, fencedCommits] = [0, 0, 0];
    for (const seed of SEEDS) {
      const outcome = await interleave(seed, ROUNDS);
      expect({ seed, broken: outcome.broken }).toEqual({ seed, broken: [] });
      expect(outcome.finalOwners).toBe(5);
      heartbeats += outcome.heartbeats;
      commits += outcome.commits;
      fencedCommits += outcome.fencedCommits;
    }
    // It did see what it is about.
    expect(heartbeats).toBeGreaterThan(2_000);
    expect(commits).toBeGreaterThan(300);
    expect(fencedCommits).toBeGreaterThan(10);
  }, 120_000);

  it.each(Object.keys(PLANTED_BUGS))(
    "is seen to break with %s",
    async (name) => {
      for (const seed of SEEDS) {
        const { broken } = await interleave(seed, ROUNDS, PLANTED_BUGS[name]!);
        if (broken.length > 0) return;
      }
      expect.fail("no seed found it");
    },
    120_000,
  );
});
