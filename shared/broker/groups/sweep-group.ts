import type { GroupPartition } from "../../group/group-store.ts";
import { partitionKey } from "../../group/partitions-by-topic.ts";
import { afterSweep, sweepGroup as decide, offsetsToExpire, type Swept, subscriptionInUse } from "../../group/sweep.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { carryOut } from "./carry-out.ts";
import type { Coordinator } from "./coordinate.ts";
import { deleteAt, removeDeadGroup } from "./delete-group.ts";
import { deleteEach } from "./delete-offsets.ts";
import { partitionLags } from "./group-lag.ts";
import { partitionItems } from "./list-group-partitions.ts";
import { topicsByName } from "./named-partitions.ts";

export interface SweptGroup {
  readonly members: number;
  readonly offsetsDeleted: number;
  readonly isDeleted: boolean;
  readonly maxLag: number;
  /** Partitions whose lag was looked at. */
  readonly lags: number;
}

const TIMEOUT_MS = 10_000;
/** A group without members and offsets is kept so long: somebody may be about to join it. */
const EMPTY_GRACE_MS = 10 * 60_000;

const NOTHING: SweptGroup = { members: 0, offsetsDeleted: 0, isDeleted: false, maxLag: 0, lags: 0 };

/** One group of the sweep. `maxLags`: log ends that may be read. Errors: KafkaError; the next sweep goes on from what is there. */
export async function sweepGroup(
  broker: Broker,
  coordinator: Coordinator,
  groupId: string,
  maxLags: number,
): Promise<SweptGroup> {
  const decided = await carryOut(coordinator, groupId, undefined, (view, context) => decide(view, groupId, context));
  // Others keep changing it: they do what there is to do.
  if (!decided.ok || decided.value.kind === "gone") return NOTHING;
  const swept = decided.value;
  if (swept.kind === "dead") {
    await removeDeadGroup(coordinator, swept.group);
    return { ...NOTHING, isDeleted: true };
  }
  const partitions = await partitionItems(coordinator, groupId);
  if (swept.kind === "in use") return lookAt(broker, coordinator, swept, partitions, maxLags);
  const { clock, groupConfig } = coordinator;
  const expired = offsetsToExpire(swept, partitions, { now: clock.now(), config: groupConfig });
  const offsetsDeleted = await expire(coordinator, groupId, expired);
  const gone = new Set(expired.map(partitionKey));
  const left = partitions.filter((each) => !gone.has(partitionKey(each)));
  return { ...NOTHING, offsetsDeleted, isDeleted: await endIfNothingIsLeft(coordinator, swept, left) };
}

/** A group in use: how far it is behind, and what of it nobody wants any more. */
async function lookAt(
  broker: Broker,
  coordinator: Coordinator,
  swept: Extract<Swept, { kind: "empty" | "in use" }>,
  partitions: readonly GroupPartition[],
  maxLags: number,
): Promise<SweptGroup> {
  const { groupId, memberCount } = swept.group;
  const { clock, groupConfig } = coordinator;
  const names = partitions.flatMap(({ committed, topic }) => (committed === undefined ? [] : [topic]));
  const topics = await topicsByName(broker, names);
  const isThere = ({ topic, topicId }: GroupPartition) => topics.get(topic)?.item.topicId === topicId;
  const context = { now: clock.now(), config: groupConfig };
  let offsetsDeleted = 0;
  // Whom they are wanted by is asked only where there are any that are old enough.
  if (offsetsToExpire(swept, partitions, context).length > 0) {
    const subscription = await carryOut(coordinator, groupId, undefined, subscriptionInUse);
    const isSubscribed = subscription.ok ? subscription.value : undefined;
    const isWanted = (each: GroupPartition) => isThere(each) && isSubscribed?.(each.topic) !== false;
    offsetsDeleted = await expire(coordinator, groupId, offsetsToExpire(swept, partitions, context, isWanted));
  }
  const behind = partitions.filter((each) => each.committed !== undefined && isThere(each)).slice(0, maxLags);
  const lags = await partitionLags(broker, behind);
  const maxLag = Math.max(0, ...lags.map(({ lag }) => lag));
  return { members: memberCount, offsetsDeleted, isDeleted: false, maxLag, lags: behind.length };
}

async function expire(coordinator: Coordinator, groupId: string, expired: readonly GroupPartition[]): Promise<number> {
  const deleted = await deleteEach(coordinator, groupId, expired);
  return deleted.filter(({ refusal }) => refusal === undefined).length;
}

async function endIfNothingIsLeft(
  coordinator: Coordinator,
  { group }: Extract<Swept, { kind: "empty" | "in use" }>,
  left: readonly GroupPartition[],
): Promise<boolean> {
  const { clock, groupConfig, groupStore } = coordinator;
  const { groupId, emptySince = 0 } = group;
  const next = afterSweep(group, left, { config: groupConfig });
  if (next.kind === "delete") {
    const isDue = emptySince + EMPTY_GRACE_MS <= clock.now();
    return isDue && (await deleteAt(coordinator, groupId)).ok;
  }
  await withTimeout(clock, TIMEOUT_MS, "noting the next sweep", groupStore.write(groupId, next.writes));
  return false;
}
