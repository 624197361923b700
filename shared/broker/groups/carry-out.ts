import type { Decision, GroupContext, GroupView, Needed, SubscribableTopic } from "../../group/decision.ts";
import type { GroupConfig } from "../../group/group-config.ts";
import type { GroupPartition, GroupStore } from "../../group/group-store.ts";
import type { GroupWrite } from "../../group/group-write.ts";
import { partitionKey, type TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../../kafka/result.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import { withTimeout } from "../../runtime/timeout.ts";

/** What the carrying out of a group's requests needs. */
export interface GroupParts {
  readonly groupStore: GroupStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly groupConfig: GroupConfig;
  /**
   * Topics by name, those that exist; `all`: and every other one. Asked for when a member joins or changes its subscription, and every half
   * minute: from the store, since processes that remember differently would take each other's for changes.
   */
  topics(names: readonly string[], all: boolean): Promise<ReadonlyMap<string, SubscribableTopic>>;
}

/** Writes that one request may do before it has to answer with what is there, and before it is given up. */
const MAX_STEPS = 24;
const MAX_WRITES = 160;
/** Times that it may lose to others, or meet a store that fails in passing. */
const MAX_RETRIES = 16;
const FIRST_BACKOFF_MS = 5;
const MAX_BACKOFF_MS = 200;
const TIMEOUT_MS = 5_000;
/** Past it nothing is tried again: API Gateway's 29 s leave room for the last attempt. */
const RETRY_WITHIN_MS = 12_000;
/** What a request for items by key takes at a time. */
const PARTITIONS_AT_ONCE = 100;
const ID_BYTES = 12;

/**
 * Carries a group's request out: reads what the decision needs, applies its writes, and asks again until it answers. Lost races,
 * lost answers and throttles end in reading anew: what was applied is seen then. Errors: what the store failed with at last;
 * a refusal COORDINATOR_NOT_AVAILABLE if others keep winning.
 */
export async function carryOut<Answer>(
  parts: GroupParts,
  groupId: string,
  memberId: string | undefined,
  decide: (view: GroupView, context: GroupContext) => Decision<Answer>,
): Promise<Result<Answer>> {
  let memberBefore: GroupView["memberBefore"] | "unread" = "unread";
  let view: GroupView | undefined;
  const retryUntil = parts.clock.now() + RETRY_WITHIN_MS;
  let steps = 0;
  let retries = 0;
  for (;;) {
    try {
      if (view === undefined) {
        const { group, member } = await timed(
          parts,
          "reading the group",
          parts.groupStore.readGroup(groupId, memberId),
        );
        if (memberBefore === "unread") memberBefore = member;
        view = { group, member, memberBefore };
      }
      const decision = decide(view, contextOf(parts, steps >= MAX_STEPS));
      if (decision.kind === "refused") return { ok: false, refusal: decision.refusal };
      if (decision.kind === "read") {
        view = await withNeeded(parts, groupId, view, decision.needed);
        continue;
      }
      const isApplied = await apply(parts, groupId, decision.writes);
      if (isApplied && decision.kind === "answer") return ok(decision.answer);
      view = undefined;
      if (isApplied) {
        if (++steps > MAX_WRITES) break;
        continue;
      }
    } catch (error) {
      const isOver = retries >= MAX_RETRIES || parts.clock.now() >= retryUntil;
      if (!(error instanceof KafkaError && error.retriable) || isOver) throw error;
      view = undefined;
    }
    if (++retries > MAX_RETRIES || parts.clock.now() >= retryUntil) break;
    const bound = Math.min(MAX_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** retries);
    await parts.clock.sleep(parts.random.next() * bound);
  }
  return refused("COORDINATOR_NOT_AVAILABLE", `group "${groupId}" is being changed by many others`, "try again");
}

function contextOf({ clock, random, groupConfig }: GroupParts, isLastStep: boolean): GroupContext {
  return {
    now: clock.now(),
    newId: () => Buffer.from(random.bytes(ID_BYTES)).toString("base64url"),
    config: groupConfig,
    isLastStep,
  };
}

async function apply(parts: GroupParts, groupId: string, writes: readonly GroupWrite[]): Promise<boolean> {
  if (writes.length === 0) return true;
  return timed(parts, "changing the group", parts.groupStore.write(groupId, writes));
}

async function withNeeded(parts: GroupParts, groupId: string, view: GroupView, needed: Needed): Promise<GroupView> {
  const { groupStore } = parts;
  switch (needed.kind) {
    case "members":
      return { ...view, members: await timed(parts, "reading the members", groupStore.readMembers(groupId)) };
    case "target": {
      const target = await timed(parts, "reading the target assignment", groupStore.readTarget(groupId));
      return { ...view, target: target ?? null };
    }
    case "generation": {
      const generation = await timed(parts, "reading the generation", groupStore.readGeneration(groupId));
      return { ...view, generation: generation ?? null };
    }
    case "topics":
      return { ...view, topics: await timed(parts, "reading topics", parts.topics(needed.names, needed.all)) };
    case "partitions":
      return { ...view, partitions: await readPartitions(parts, groupId, view, needed.partitions) };
  }
}

/** Those read before and these; one whose item holds nothing is null. */
async function readPartitions(
  parts: GroupParts,
  groupId: string,
  view: GroupView,
  needed: readonly TopicIdPartition[],
): Promise<ReadonlyMap<string, GroupPartition | null>> {
  const known = new Map<string, GroupPartition | null>(view.partitions);
  for (let at = 0; at < needed.length; at += PARTITIONS_AT_ONCE) {
    const some = needed.slice(at, at + PARTITIONS_AT_ONCE);
    const found = await timed(parts, "reading partitions", parts.groupStore.readPartitions(groupId, some));
    for (const partition of some) known.set(partitionKey(partition), null);
    for (const item of found) known.set(partitionKey(item), item);
  }
  return known;
}

function timed<T>({ clock }: GroupParts, what: string, promise: Promise<T>): Promise<T> {
  return withTimeout(clock, TIMEOUT_MS, what, promise);
}
