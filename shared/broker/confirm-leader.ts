import { KafkaError } from "../kafka/kafka-error.ts";
import { logKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import { readRegistration } from "./change-partition.ts";
import { fencedBy } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

/**
 * Whoever was fenced and has not heard of it sees an old log, and must not refuse by it what the new leader would take. An
 * append finds out by itself; a refusal has to ask. Errors: FENCED_LEADER_EPOCH.
 */
export async function confirmLeader(parts: BrokerParts, registration: PartitionRegistration): Promise<void> {
  const { topicId, partition, leaderEpoch, replicas } = registration;
  if (replicas.length === 1) return;
  const current = await readRegistration(parts, topicId, partition);
  if (current === undefined || current.leaderEpoch === leaderEpoch) return;
  throw fencedBy(logKey(topicId, partition), leaderEpoch, current.leaderEpoch);
}

/**
 * Confirms for one partition's appends, all of those together that wait for the answer of one read, that their leader still led
 * when they were on all replicas. What is acknowledged so was committed before any election after it.
 */
export class LeaderConfirmations {
  readonly #parts: BrokerParts;
  /** Its read has not begun: whoever comes now may wait for it. */
  #next: Promise<PartitionRegistration | undefined> | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** Errors: NOT_LEADER_OR_FOLLOWER if a newer epoch has begun, or what the metadata fail with; `outcome` unknown: it may be in the log. */
  async confirm({ topicId, partition, leaderEpoch }: PartitionRegistration): Promise<void> {
    this.#next ??= this.#last.then(() => {
      const read = readRegistration(this.#parts, topicId, partition);
      this.#next = undefined;
      this.#last = read.catch(() => undefined);
      return read;
    });
    const current = await this.#next.catch((error) => {
      throw mayBeInTheLog(error, "the leader was not confirmed");
    });
    if (current === undefined || current.leaderEpoch === leaderEpoch) return;
    throw mayBeInTheLog(
      new KafkaError("NOT_LEADER_OR_FOLLOWER", `epoch ${current.leaderEpoch} began before it was acknowledged`),
      "refresh the topic's metadata",
    );
  }
}

function mayBeInTheLog(error: unknown, hint: string): unknown {
  if (!(error instanceof KafkaError)) return error;
  return new KafkaError(error.code, error.message, {
    hint: `${hint}; it may be in the log all the same`,
    outcome: "unknown",
    cause: error,
  });
}
