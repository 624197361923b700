import { KafkaError } from "../kafka/kafka-error.ts";
import { logKey } from "../log/log-item.ts";
import { sideBySide } from "../runtime/side-by-side.ts";
import type { Broker } from "./broker.ts";
import { shrinkInSyncReplicas } from "./change-in-sync-replicas.ts";
import { electAnyLeader } from "./elect-any-leader.ts";
import { electLeader } from "./elect-leader.ts";
import { listTopics } from "./list-topics.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { noteFailure } from "./note-failure.ts";
import { isReplicated } from "./partition-view.ts";
import { RegionReach } from "./region-reach.ts";

const PARTITIONS_AT_ONCE = 16;
/** For so long the metadata need not be read again where nothing was left to do. A topic that is created meanwhile waits for it. */
const SETTLED_MS = 5_000;

/** What one process remembers between its looks: for whom there was nothing left to do. */
export class Elections {
  #settled = "";
  #until = Number.NEGATIVE_INFINITY;

  isSettled(gone: readonly number[], now: number): boolean {
    return gone.length === 0 || (gone.join() === this.#settled && now < this.#until);
  }

  settle(gone: readonly number[], now: number): void {
    this.#settled = gone.join();
    this.#until = now + SETTLED_MS;
  }
}

/**
 * What becomes of a region that is gone: its lease has run out, and its table does not answer from here either. Its partitions
 * are led by this region from now on, if it is in sync; and as Kafka's controller takes a broker that is fenced out of every
 * in-sync set, so that acks=all does not wait for it, this region does where it leads. Each region acts for itself, and the
 * compare-and-set lets one win. Where all that are in sync are gone, and the topic allows it, the election is unclean, of whichever
 * replica has the longest log. Answers how many partitions got a leader. Errors: what the metadata fail with; the failure of
 * one partition is told of and holds up no other.
 */
export async function electLeaders(broker: Broker, brokerId: number, elections = new Elections()): Promise<number> {
  const reach = await RegionReach.look(broker);
  const gone = await reach.gone(brokerId);
  if (elections.isSettled(gone, broker.clock.now())) return 0;
  let elected = 0;
  let dropped = 0;
  let offline = 0;
  let failed = 0;
  const partitions = (await listTopics(broker)).flatMap(({ partitions: all, configs }) => {
    const isUncleanAllowed = configs.find(({ name }) => name === "unclean.leader.election.enable")?.value === "true";
    return all.filter(isReplicated).map((registration) => ({ registration, isUncleanAllowed }));
  });
  await sideBySide(partitions, PARTITIONS_AT_ONCE, async ({ registration, isUncleanAllowed }) => {
    try {
      const led = await takeOver(broker, brokerId, registration, reach);
      if (led === undefined) {
        if (!(await isOffline(registration, reach))) return;
        const any = isUncleanAllowed && (await electAnyLeader(broker, { registration, isUncleanAllowed, reach })).ok;
        if (any) elected++;
        else offline++;
        return;
      }
      if (registration.leader !== brokerId) elected++;
      dropped += await dropGone(broker, brokerId, led, reach);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      failed++;
      const log = logKey(registration.topicId, registration.partition);
      noteFailure(broker, "a partition of a region that is gone was not looked after", { log }, error);
    }
  });
  broker.metrics.gauge("OfflinePartitions", offline);
  if (elected + dropped + offline + failed === 0) elections.settle(gone, broker.clock.now());
  return elected;
}

/** The registration as it is when this region leads; undefined if it does not. */
async function takeOver(
  broker: Broker,
  brokerId: number,
  registration: PartitionRegistration,
  reach: RegionReach,
): Promise<PartitionRegistration | undefined> {
  const { topicId, partition, leader, leaderEpoch, inSyncReplicas } = registration;
  if (leader === brokerId) return registration;
  if (!inSyncReplicas.includes(brokerId) || !(await reach.isGone(registration, leader))) return undefined;
  const instead = { leader, leaderEpoch };
  const result = await electLeader(broker, { topicId, partition, leader: brokerId, instead, gone: [leader] });
  if (!result.ok || result.value.leader !== brokerId) return undefined;
  const log = logKey(topicId, partition);
  broker.logger.info("took over from a leader that is gone", { log, leader: brokerId, from: leader });
  return result.value;
}

/** Whether nobody leads it, and nobody can: all that are in sync are gone. */
async function isOffline(registration: PartitionRegistration, reach: RegionReach): Promise<boolean> {
  for (const id of new Set([registration.leader, ...registration.inSyncReplicas])) {
    if (!(await reach.isGone(registration, id))) return false;
  }
  return true;
}

/** Answers how many left the in-sync set. */
async function dropGone(
  broker: Broker,
  brokerId: number,
  registration: PartitionRegistration,
  reach: RegionReach,
): Promise<number> {
  let dropped = 0;
  const log = logKey(registration.topicId, registration.partition);
  const { inSyncReplicas, joining } = registration;
  for (const id of new Set([...inSyncReplicas, ...joining])) {
    if (id === brokerId || !(await reach.isGone(registration, id))) continue;
    await shrinkInSyncReplicas(broker, registration, id);
    dropped++;
    broker.logger.warn("a region that is gone left the in-sync set", { log, broker: id });
  }
  return dropped;
}
