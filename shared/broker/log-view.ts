import { KafkaError } from "../kafka/kafka-error.ts";
import { type ChainEnd, foldChain } from "../log/chain.ts";
import { committedInOf } from "../log/checkpoint.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import { beginningOfLog, fromCheckpoint, type LogState } from "../log/log-state.ts";
import { isVoid } from "../log/unclean-election.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

/** Somebody of a newer epoch was in the log: this epoch's view of the metadata is old. Nothing was appended by it. */
export function fencedBy(log: LogKey, epoch: number, newer: number): KafkaError {
  return new KafkaError("FENCED_LEADER_EPOCH", `epoch ${epoch} of ${log} was superseded by epoch ${newer}`, {
    hint: "refresh the topic's metadata and send it again",
    outcome: "none",
  });
}

/** Whether nothing was done because the caller's registration is old: read it again and ask the new leader. */
export function isFenced(error: unknown): boolean {
  return error instanceof KafkaError && error.code === "FENCED_LEADER_EPOCH" && error.outcome === "none";
}

/** One read of the log store may take this long. */
export const READ_TIMEOUT_MS = 5_000;

const PAGE = { maxItems: 1000, maxBytes: 1024 * 1024 };

/** Pages of about 1 MiB that a cold start follows behind the last checkpoint: far more than checkpoints leave. */
const MAX_PAGES = 256;

/** What a registration says of where its log begins, and of which earlier word on it counts. */
export type LogTerms = Pick<PartitionRegistration, "logStartOffset" | "leaderEpoch" | "uncleanElections">;

/**
 * The fold of the log up to its last checkpoint, or its beginning; from the beginning too where an unclean election made the
 * checkpoint void. Errors: FENCED_LEADER_EPOCH if a newer epoch than the registration's committed what the checkpoint is of.
 */
export async function loadCheckpoint(
  parts: Pick<BrokerParts, "logStore" | "clock">,
  log: LogKey,
  { logStartOffset, leaderEpoch, uncleanElections }: LogTerms,
): Promise<LogState> {
  const read = parts.logStore.readCheckpoint(log);
  const checkpoint = await withTimeout(parts.clock, READ_TIMEOUT_MS, "reading the checkpoint", read);
  if (checkpoint === undefined) return beginningOfLog(logStartOffset);
  const committedIn = committedInOf(checkpoint);
  if (committedIn > leaderEpoch) throw fencedBy(log, leaderEpoch, committedIn);
  const isUsable = checkpoint.logEndOffset >= logStartOffset && !isVoid(checkpoint, uncleanElections);
  return isUsable ? fromCheckpoint(checkpoint) : beginningOfLog(logStartOffset);
}

/** The fold of the whole log, from its last checkpoint or its beginning. */
export async function loadLog(
  parts: Pick<BrokerParts, "logStore" | "clock">,
  log: LogKey,
  terms: LogTerms,
): Promise<LogState> {
  const state = await catchUp(parts, log, await loadCheckpoint(parts, log, terms));
  if (state !== undefined) return state;
  throw new KafkaError("KAFKA_STORAGE_ERROR", `items of ${log} are missing`, {
    hint: "the log's start may have moved just now: try again",
  });
}

/**
 * The state after all that was appended behind `state`; one request when nothing was. undefined: items further up
 * stand there, but the next one is gone, so that `state` must be loaded anew.
 */
export async function catchUp(
  parts: Pick<BrokerParts, "logStore" | "clock">,
  log: LogKey,
  state: LogState,
): Promise<LogState | undefined> {
  let caughtUp = state;
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const before = caughtUp.logEndOffset;
    const read = parts.logStore.readItems(log, before, PAGE);
    const page = await withTimeout(parts.clock, READ_TIMEOUT_MS, "reading the log's end", read);
    if (page.items[0] !== undefined && page.items[0].baseOffset > before) return undefined;
    caughtUp = foldChain(caughtUp, page.items);
    if (hasHole(caughtUp, page.items)) return undefined;
    // Items that do not continue the chain are debris: the chain ends before them.
    if (page.isEnd || caughtUp.logEndOffset === before) return caughtUp;
  }
  throw new KafkaError("KAFKA_STORAGE_ERROR", `${log} grows faster than it can be read`, {
    hint: "try again; spread the load over more partitions if it stays",
  });
}

/**
 * Whether the chain ends where an item is gone: what stands behind the gap is not of an earlier epoch, so it is no debris. Items that no TTL takes
 * are deleted by the upkeep, so that older ones may stand before the gap.
 */
export function hasHole({ logEndOffset, lastEpoch }: ChainEnd, items: readonly LogItem[]): boolean {
  if (items.some(({ baseOffset }) => baseOffset === logEndOffset)) return false;
  return items.some(({ baseOffset, leaderEpoch }) => baseOffset > logEndOffset && leaderEpoch >= (lastEpoch ?? 0));
}
