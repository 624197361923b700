import { KafkaError } from "../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import { startOfEpoch } from "../log/leader-epochs.ts";
import { logKey, NO_EPOCH } from "../log/log-item.ts";
import { type LogState, toCheckpoint } from "../log/log-state.ts";
import { withUncleanElection } from "../log/unclean-election.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { changePartition } from "./change-partition.ts";
import { electLeader } from "./elect-leader.ts";
import { leadLog } from "./lead-log.ts";
import { catchUp, isFenced, loadCheckpoint } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import type { RegionReach } from "./region-reach.ts";
import { at } from "./replica-stores.ts";

const CHECKPOINT_TIMEOUT_MS = 3_000;

export interface AnyElection {
  /** The registration that the decision rests on: if it has changed since, nothing is done. */
  readonly registration: PartitionRegistration;
  /** The topic's unclean.leader.election.enable. */
  readonly isUncleanAllowed: boolean;
  readonly reach: Pick<RegionReach, "isGone">;
}

export interface ElectedLeader {
  readonly registration: PartitionRegistration;
  /** Of an unclean election alone: what may be lost. */
  readonly unclean?: {
    /** Records at this offset and above that were appended before the election may be lost. */
    readonly keptBelow: number;
    /** Where the new epoch begins: the end of the log that is kept; undefined: the leader does not answer just now. */
    readonly startOffset: number | undefined;
  };
}

/**
 * Elects a leader for a partition whose leader's region is gone: a replica in sync if one answers, and otherwise, where the topic
 * allows it, the one with the longest log of those that answer. Kafka's ElectLeaders of type UNCLEAN (KIP-460), and its choice of
 * KIP-966: the newest epoch, then the longest log. Such an election may lose records, and is reported as a warning and a metric.
 * Refusals: ELECTION_NOT_NEEDED if the leader is not gone; ELIGIBLE_LEADERS_NOT_AVAILABLE.
 */
export async function electAnyLeader(parts: BrokerParts, election: AnyElection): Promise<Result<ElectedLeader>> {
  const { registration, reach } = election;
  const { topicId, partition, leader, leaderEpoch, replicas, inSyncReplicas } = registration;
  if (!(await reach.isGone(registration, leader)))
    return refused("ELECTION_NOT_NEEDED", `the region of broker ${leader} is alive`);
  const gone = [leader];
  for (const id of replicas.filter((replica) => replica !== leader && inSyncReplicas.includes(replica))) {
    if (await reach.isGone(registration, id)) {
      gone.push(id);
      continue;
    }
    const elected = await electLeader(parts, {
      topicId,
      partition,
      leader: id,
      instead: { leader, leaderEpoch },
      gone,
    });
    return elected.ok ? ok({ registration: elected.value }) : elected;
  }
  if (!election.isUncleanAllowed) {
    return refused(
      "ELIGIBLE_LEADERS_NOT_AVAILABLE",
      `no replica in sync answers (${inSyncReplicas.join(", ")})`,
      "wait for one to come back, or set unclean.leader.election.enable=true and lose what only they have",
    );
  }
  const longest = await longestLog(parts, registration);
  if (longest === "fenced") return changedMeanwhile();
  if (longest === undefined) {
    return refused("ELIGIBLE_LEADERS_NOT_AVAILABLE", "no replica answers", "wait for one to come back");
  }
  return electUncleanly(parts, registration, longest);
}

interface CandidateLog {
  readonly id: number;
  /** What the replica's own checkpoint says to be committed and held by it. */
  readonly keptBelow: number;
  readonly end: LogState;
}

/** `fenced`: a newer epoch than the registration's was in a table. undefined: nobody answers. */
type Longest = CandidateLog | "fenced" | undefined;

/** Of the replicas that are not in sync and answer: the one whose log ends in the newest epoch, and of those the longest. */
async function longestLog(parts: BrokerParts, registration: PartitionRegistration): Promise<Longest> {
  const { replicas, inSyncReplicas } = registration;
  const others = replicas.filter((id) => !inSyncReplicas.includes(id));
  const found = await Promise.all(others.map((id) => candidateLog(parts, registration, id)));
  return found.reduce<Longest>((best, next) => {
    if (best === "fenced" || next === "fenced") return "fenced";
    if (best === undefined || next === undefined) return best ?? next;
    const [epoch, bestEpoch] = [next.end.lastEpoch ?? NO_EPOCH, best.end.lastEpoch ?? NO_EPOCH];
    const isLonger = epoch > bestEpoch || (epoch === bestEpoch && next.end.logEndOffset > best.end.logEndOffset);
    return isLonger ? next : best;
  }, undefined);
}

async function candidateLog(parts: BrokerParts, registration: PartitionRegistration, id: number): Promise<Longest> {
  const log = logKey(registration.topicId, registration.partition);
  const replica = at(parts, id);
  try {
    const kept = await loadCheckpoint(replica, log, registration);
    const end = (await catchUp(replica, log, kept)) ?? kept;
    return { id, keptBelow: kept.logEndOffset, end };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    if (isFenced(error)) return "fenced";
    parts.logger.warn("a replica that might lead does not answer", { log, broker: id }, error);
    return undefined;
  }
}

async function electUncleanly(
  parts: BrokerParts,
  before: PartitionRegistration,
  { id, keptBelow }: CandidateLog,
): Promise<Result<ElectedLeader>> {
  const { topicId, partition, uncleanElections = [] } = before;
  let isWon = false;
  const registration = await changePartition(parts, topicId, partition, (current) => {
    isWon = current.partitionEpoch === before.partitionEpoch;
    if (!isWon) return undefined;
    const leaderEpoch = current.leaderEpoch + 1;
    return {
      ...current,
      leader: id,
      leaderEpoch,
      inSyncReplicas: [id],
      joining: [],
      uncleanElections: withUncleanElection(uncleanElections, { leaderEpoch, keptBelow }),
    };
  });
  if (!isWon) return changedMeanwhile();
  const startOffset = await begin(parts, registration);
  parts.metrics.count("LeaderElections", 1);
  parts.metrics.count("UncleanLeaderElections", 1);
  const log = logKey(topicId, partition);
  const { leaderEpoch } = registration;
  const gone = before.inSyncReplicas.join(", ");
  const told = { log, leader: id, leaderEpoch, keptBelow, startOffset, instead: before.leader, gone };
  parts.logger.warn("an unclean leader election: records from keptBelow on may be lost", told);
  return ok({ registration, unclean: { keptBelow, startOffset } });
}

/**
 * Begins the epoch, which whoever appends next would do otherwise, and keeps a checkpoint of it: with the leader alone in sync all
 * of its log is committed, and whoever still holds with an older epoch meets that. Answers where the epoch begins.
 */
async function begin(parts: BrokerParts, registration: PartitionRegistration): Promise<number | undefined> {
  const { topicId, partition, leader, leaderEpoch } = registration;
  const log = logKey(topicId, partition);
  const leaders = at(parts, leader);
  try {
    const led = await leadLog(leaders, log, registration);
    const checkpoint = { ...toCheckpoint(led), committedIn: leaderEpoch };
    const put = leaders.logStore.putCheckpoint(log, checkpoint);
    await withTimeout(parts.clock, CHECKPOINT_TIMEOUT_MS, "writing a checkpoint", put).catch((error) =>
      parts.logger.warn("a checkpoint was not written", { log, broker: leader }, error),
    );
    return startOfEpoch(led.epochs, leaderEpoch);
  } catch (error) {
    parts.logger.warn("an elected leader does not lead yet", { log, leader }, error);
    return undefined;
  }
}

function changedMeanwhile() {
  return refused("ELECTION_NOT_NEEDED", "the partition was changed meanwhile", "look who leads it, and ask again");
}
