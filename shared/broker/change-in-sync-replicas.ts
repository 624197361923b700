import { committedInOf } from "../log/checkpoint.ts";
import { logKey } from "../log/log-item.ts";
import { isVoid } from "../log/unclean-election.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { changePartition } from "./change-partition.ts";
import { leadLog } from "./lead-log.ts";
import { fencedBy } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";
import { Replication } from "./replication.ts";
import { untilKnown } from "./until-known.ts";

/** Takes a replica out of the in-sync set and of those that join; never the leader. Writers of the epoch go on without it. */
export async function shrinkInSyncReplicas(
  parts: BrokerParts,
  { topicId, partition, leaderEpoch }: PartitionRegistration,
  replica: number,
): Promise<PartitionRegistration> {
  let wasInSync = false;
  const shrunk = await changePartition(parts, topicId, partition, (registration) => {
    const { leader, inSyncReplicas, joining } = registration;
    const isMember = inSyncReplicas.includes(replica) || joining.includes(replica);
    const isOver = registration.leaderEpoch !== leaderEpoch || replica === leader || !isMember;
    wasInSync = !isOver && inSyncReplicas.includes(replica);
    if (isOver) return undefined;
    const others = (ids: readonly number[]) => ids.filter((id) => id !== replica);
    return { ...registration, inSyncReplicas: others(inSyncReplicas), joining: others(joining) };
  });
  if (wasInSync) parts.metrics.count("IsrShrinks", 1);
  return shrunk;
}

/**
 * Lets a replica that has caught up join the in-sync set, barrier first (REPLICATION.md, 7): a new epoch whose writers wait for
 * it, its log filled and verified through that epoch's barrier, and only then its name in the set. Answers the registration;
 * the replica is in it, or somebody changed the partition meanwhile.
 */
export async function growInSyncReplicas(
  parts: BrokerParts,
  before: PartitionRegistration,
  replica: number,
  withinMs: number,
): Promise<PartitionRegistration> {
  const { topicId, partition } = before;
  const joined = await changePartition(parts, topicId, partition, (registration) => {
    const { inSyncReplicas, joining, leaderEpoch } = registration;
    const isMember = inSyncReplicas.includes(replica) || joining.includes(replica);
    if (leaderEpoch !== before.leaderEpoch || isMember) return undefined;
    return { ...registration, leaderEpoch: registration.leaderEpoch + 1, joining: [replica] };
  });
  // One that was begun by another, and perhaps left in the middle, is carried on.
  if (!joined.joining.includes(replica)) return joined;
  const log = logKey(topicId, partition);
  const led = await leadLog(at(parts, joined.leader), log, joined);
  const replication = await Replication.begin(parts, log, joined, led);
  const caughtUp = replication.verifiedBy(replica, led.logEndOffset);
  await withTimeout(parts.clock, withinMs, `bringing broker ${replica} up to date`, caughtUp);
  await giveCheckpoint(parts, joined, replica);
  let isGrown = false;
  const grown = await changePartition(parts, topicId, partition, (registration) => {
    const isSame = registration.leaderEpoch === joined.leaderEpoch && registration.joining.includes(replica);
    isGrown = isSame;
    if (!isSame) return undefined;
    const inSyncReplicas = [...registration.inSyncReplicas, replica];
    return { ...registration, inSyncReplicas, joining: registration.joining.filter((id) => id !== replica) };
  });
  if (isGrown) parts.metrics.count("IsrExpands", 1);
  return grown;
}

/**
 * The leader's checkpoint, for a replica that is verified beyond it: whoever is in sync has one that goes as far as the hot log's begin, or the
 * upkeep could delete from its table what it cannot do without.
 */
async function giveCheckpoint(parts: BrokerParts, joined: PartitionRegistration, replica: number): Promise<void> {
  const { topicId, partition, leader, leaderEpoch, uncleanElections } = joined;
  const log = logKey(topicId, partition);
  const read = () => at(parts, leader).logStore.readCheckpoint(log);
  const checkpoint = await untilKnown(parts, "reading a checkpoint", read);
  if (checkpoint === undefined || isVoid(checkpoint, uncleanElections)) return;
  if (committedInOf(checkpoint) > leaderEpoch) throw fencedBy(log, leaderEpoch, committedInOf(checkpoint));
  const put = () => at(parts, replica).logStore.putCheckpoint(log, checkpoint);
  await untilKnown(parts, "writing a checkpoint", put);
}
