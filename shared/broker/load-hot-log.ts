import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogKey } from "../log/log-item.ts";
import { type LogState, toCheckpoint } from "../log/log-state.ts";
import { inLineage } from "../log/segment/tiering-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { isFenced, loadCheckpoint, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";

/**
 * The fold of a replicated log up to the leader's last checkpoint, for whoever is to lead it: never from below localLogStartOffset, where slots may be
 * free because they were deleted, so that the log would seem to end there. The upkeep and those that join see to it that every replica in sync
 * has a checkpoint that goes as far; if the leader has none all the same, another replica's counts: what is committed is in the leader's log.
 * `parts`: on the leader's stores. Errors: FENCED_LEADER_EPOCH; KAFKA_STORAGE_ERROR where no checkpoint goes as far; those of the stores.
 */
export async function loadHotLog(
  parts: BrokerParts,
  log: LogKey,
  registration: PartitionRegistration,
): Promise<LogState> {
  const [state, hotFrom] = await Promise.all([
    loadCheckpoint(parts, log, registration),
    localLogStartOffset(parts, log, registration),
  ]);
  if (state.logEndOffset >= hotFrom) return state;
  for (const id of registration.replicas.filter((replica) => replica !== registration.leader)) {
    const found = await loadCheckpoint(at(parts, id), log, registration).catch(unlessFenced);
    if (found === undefined || found.logEndOffset < hotFrom) continue;
    // Of this epoch: one that told it of an older one would be believed by agents of that (ADR 7).
    const put = parts.logStore.putCheckpoint(log, { ...toCheckpoint(found), committedIn: registration.leaderEpoch });
    await withTimeout(parts.clock, READ_TIMEOUT_MS, "writing a checkpoint", put);
    return found;
  }
  throw new KafkaError("KAFKA_STORAGE_ERROR", `${log} has no checkpoint at ${hotFrom}, where its hot log begins`, {
    hint: "elect another leader, or start the region that has one",
  });
}

/** As it is now; not what somebody knew. Without a registry of segments nothing was ever deleted. */
async function localLogStartOffset(
  { segmentRegistry, clock }: BrokerParts,
  log: LogKey,
  { uncleanElections }: PartitionRegistration,
): Promise<number> {
  if (segmentRegistry === undefined) return 0;
  const read = segmentRegistry.readTieringState(log);
  const state = await withTimeout(clock, READ_TIMEOUT_MS, "reading the tiering state", read);
  return state === undefined ? 0 : inLineage(state, uncleanElections).localLogStartOffset;
}

function unlessFenced(error: unknown): undefined {
  if (error instanceof KafkaError && !isFenced(error)) return undefined;
  throw error;
}
