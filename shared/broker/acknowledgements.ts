import { KafkaError } from "../kafka/kafka-error.ts";
import type { AppendVerdict } from "../log/append.ts";
import type { LogKey } from "../log/log-item.ts";
import type { AppendOutcome, PendingAppend } from "./append-queue.ts";
import type { BrokerParts } from "./broker.ts";
import { confirmLeader, LeaderConfirmations } from "./confirm-leader.ts";
import type { LogBell } from "./log-bell.ts";
import { isReplicated } from "./partition-view.ts";
import type { Replication } from "./replication.ts";

/** Answers one partition's appends when what they asked for is certain: by the leader's log alone, by its replicas, or by who leads. */
export class Acknowledgements {
  readonly #parts: BrokerParts;
  readonly #bell: LogBell;
  readonly #log: LogKey;
  readonly #confirmations: LeaderConfirmations;

  constructor(parts: BrokerParts, bell: LogBell, log: LogKey) {
    this.#parts = parts;
    this.#bell = bell;
    this.#log = log;
    this.#confirmations = new LeaderConfirmations(parts);
  }

  /**
   * What must be on all in-sync replicas is answered when it is, and a refusal when the leader is confirmed; until then it
   * stands in nobody's way.
   */
  answer(pending: PendingAppend, verdict: AppendVerdict, replication: Replication | undefined): void {
    const { registration, waitsForReplicas } = pending.options;
    const isByLeaderAlone = verdict.kind !== "refused" && !waitsForReplicas;
    if (!isReplicated(registration) || (isByLeaderAlone && !this.isOutdated(pending))) {
      pending.answer(outcomeOf(verdict));
      return;
    }
    pending.isPlaced = true;
    this.#certain(pending, verdict, replication).then(
      () => pending.answer(outcomeOf(verdict)),
      (error) => pending.fail(error),
    );
  }

  /** A region that could not read for a lease's length who leads does not act as the leader. */
  isOutdated({ options: { registration, registrationReadAt } }: PendingAppend): boolean {
    const { clock, leaseMs } = this.#parts;
    return leaseMs !== undefined && isReplicated(registration) && clock.now() - registrationReadAt > leaseMs;
  }

  /** Resolves when the verdict may be told. Errors: what is told in its place. */
  async #certain(pending: PendingAppend, verdict: AppendVerdict, replication: Replication | undefined): Promise<void> {
    const { registration, waitsForReplicas, confirmsLeader, minInsyncReplicas } = pending.options;
    if (verdict.kind === "refused") return confirmLeader(this.#parts, registration);
    if (!waitsForReplicas) return this.#confirmations.confirm(registration);
    // Nobody appends to a replicated log whose followers it does not know.
    if (replication === undefined) throw new Error(`the followers of ${this.#log} are not known`);
    await replication.committedThrough(verdict.lastOffset + 1, () => pending.isAnswered);
    if (confirmsLeader) await this.#confirmations.confirm(registration);
    this.#bell.ring(this.#log);
    const { inSyncReplicas } = replication;
    if (inSyncReplicas.length < minInsyncReplicas) throw tooFewReplicas(minInsyncReplicas, inSyncReplicas);
  }
}

function outcomeOf(verdict: AppendVerdict): AppendOutcome {
  if (verdict.kind === "refused") return { kind: "refused", refusal: verdict.refusal };
  const { baseOffset, lastOffset } = verdict;
  return { kind: "appended", baseOffset, lastOffset, isDuplicate: verdict.kind === "duplicate" };
}

/** min.insync.replicas is judged once more when it is done, by the in-sync set that it was done with. */
function tooFewReplicas(minInsyncReplicas: number, inSyncReplicas: readonly number[]): KafkaError {
  const message = `${inSyncReplicas.length} replicas are in sync; min.insync.replicas is ${minInsyncReplicas}`;
  return new KafkaError("NOT_ENOUGH_REPLICAS_AFTER_APPEND", message, {
    hint: "it is in the log, on fewer replicas than it should be",
    outcome: "unknown",
  });
}
