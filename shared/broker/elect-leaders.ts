import { type LogKey, logKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { shrinkInSyncReplicas } from "./change-in-sync-replicas.ts";
import { electLeader } from "./elect-leader.ts";
import { expiredLeases } from "./keep-lease.ts";
import { listTopics } from "./list-topics.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { at } from "./replica-stores.ts";

const REACH_WITHIN_MS = 2_000;

/**
 * What becomes of a region that is gone: its lease has run out, and its table does not answer from here either. Its partitions
 * are led by this region from now on, if it is in sync; and as Kafka's controller takes a broker that is fenced out of every
 * in-sync set, so that acks=all does not wait for it, this region does where it leads. Each region acts for itself, and the
 * compare-and-set lets one win. Answers how many partitions it took over.
 */
export async function electLeaders(broker: Broker, brokerId: number): Promise<number> {
  const expired = [...(await expiredLeases(broker))].filter((id) => id !== brokerId);
  if (expired.length === 0) return 0;
  let elected = 0;
  // Each region is asked once a run: one that is silent must not hold up every partition.
  const answers = new Map<number, Promise<boolean>>();
  const isGone: IsGone = async (log, id) => {
    if (!expired.includes(id)) return false;
    const answer = answers.get(id) ?? reaches(broker, log, id);
    answers.set(id, answer);
    return !(await answer);
  };
  for (const { partitions } of await listTopics(broker)) {
    for (const registration of partitions.filter(isReplicated)) {
      const led = await takeOver(broker, brokerId, registration, isGone);
      if (led === undefined) continue;
      if (registration.leader !== brokerId) elected++;
      await dropGone(broker, led, isGone);
    }
  }
  return elected;
}

/** Whether a broker's lease has run out and its table does not answer from here. */
type IsGone = (log: LogKey, brokerId: number) => Promise<boolean>;

/** The registration as it is when this region leads; undefined if it does not. */
async function takeOver(
  broker: Broker,
  brokerId: number,
  registration: PartitionRegistration,
  isGone: IsGone,
): Promise<PartitionRegistration | undefined> {
  const { topicId, partition, leader, leaderEpoch, inSyncReplicas } = registration;
  if (leader === brokerId) return registration;
  const log = logKey(topicId, partition);
  if (!inSyncReplicas.includes(brokerId) || !(await isGone(log, leader))) return undefined;
  const instead = { leader, leaderEpoch };
  const result = await electLeader(broker, { topicId, partition, leader: brokerId, instead, gone: [leader] });
  if (!result.ok || result.value.leader !== brokerId) return undefined;
  broker.logger.info("took over from a leader that is gone", { log, leader: brokerId, from: leader });
  return result.value;
}

async function dropGone(broker: Broker, registration: PartitionRegistration, isGone: IsGone): Promise<void> {
  const log = logKey(registration.topicId, registration.partition);
  const { leader, inSyncReplicas, joining } = registration;
  for (const id of new Set([...inSyncReplicas, ...joining])) {
    if (id === leader || !(await isGone(log, id))) continue;
    await shrinkInSyncReplicas(broker, registration, id);
    broker.logger.warn("a region that is gone left the in-sync set", { log, broker: id });
  }
}

async function reaches(broker: Broker, log: LogKey, brokerId: number): Promise<boolean> {
  try {
    const read = at(broker, brokerId).logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER);
    await withTimeout(broker.clock, REACH_WITHIN_MS, "a region's table", read);
    return true;
  } catch {
    return false;
  }
}
