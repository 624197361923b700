import { describe, expect, it } from "vitest";
import { replicaStep, replicasToWaitFor } from "../../../shared/log/replicate.ts";
import { item } from "../../contract/log-items.ts";

const leaders = item(5, { leaderEpoch: 3, stamp: 3, prevEpoch: 2, appendId: "a" });

describe("a slot of a follower (REPLICATION.md, 5)", () => {
  it("that is free gets the leader's item with the stamp of the epoch, and else as it is", () => {
    expect(replicaStep(leaders, undefined, 7)).toEqual({ kind: "put", item: { ...leaders, stamp: 7 } });
  });

  it("that holds debris with a lower stamp gets it too", () => {
    for (const debris of [
      { ...leaders, appendId: "b" },
      { ...leaders, leaderEpoch: 2, stamp: 6 },
    ]) {
      expect(replicaStep(leaders, debris, 7)).toEqual({ kind: "put", item: { ...leaders, stamp: 7 } });
    }
  });

  it("is verified by the same epoch, the same appendId, and a stamp of this epoch or the one before", () => {
    for (const stamp of [6, 7]) {
      expect(replicaStep(leaders, { ...leaders, stamp }, 7)).toEqual({ kind: "verified" });
    }
  });

  it("is not verified by the same item with an older stamp: it is stamped anew", () => {
    expect(replicaStep(leaders, { ...leaders, stamp: 5 }, 7)).toEqual({ kind: "put", item: { ...leaders, stamp: 7 } });
  });

  it("fences with a newer stamp, even on the same item", () => {
    for (const found of [leaders, { ...leaders, appendId: "b" }, { ...leaders, leaderEpoch: 8 }]) {
      expect(replicaStep(leaders, { ...found, stamp: 8 }, 7)).toEqual({ kind: "fenced", stamp: 8 });
    }
  });

  it("that holds another item of this epoch makes the view of the leader's log stale", () => {
    expect(replicaStep(leaders, { ...leaders, appendId: "b", stamp: 7 }, 7)).toEqual({ kind: "stale" });
    expect(replicaStep(leaders, { ...leaders, leaderEpoch: 2, stamp: 7 }, 7)).toEqual({ kind: "stale" });
  });
});

describe("whom acks=all waits for (REPLICATION.md, 6)", () => {
  const registration = { leader: 1, inSyncReplicas: [1, 2], joining: [3] };

  it("is who the barrier names and who is in sync or joining, but for the leader", () => {
    expect(replicasToWaitFor([1, 2, 3], registration)).toEqual([2, 3]);
  });

  it("is not who left the in-sync set since the barrier", () => {
    expect(replicasToWaitFor([1, 2, 3], { ...registration, inSyncReplicas: [1], joining: [] })).toEqual([]);
  });

  it("is not who the barrier does not name: it needs a barrier of its own first", () => {
    expect(replicasToWaitFor([1, 2], { ...registration, inSyncReplicas: [1, 2, 3], joining: [] })).toEqual([2]);
  });

  it("is nobody where the leader is alone", () => {
    expect(replicasToWaitFor([1], { leader: 1, inSyncReplicas: [1], joining: [] })).toEqual([]);
  });
});
