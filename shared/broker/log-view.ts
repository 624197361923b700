import { KafkaError } from "../kafka/kafka-error.ts";
import { foldChain } from "../log/chain.ts";
import type { LogKey } from "../log/log-item.ts";
import { beginningOfLog, fromCheckpoint, type LogState } from "../log/log-state.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";

/** One read of the log store may take this long. */
export const READ_TIMEOUT_MS = 5_000;

const PAGE = { maxItems: 1000, maxBytes: 1024 * 1024 };

/** Pages of about 1 MiB that a cold start follows behind the last checkpoint: far more than checkpoints leave. */
const MAX_PAGES = 256;

/** The fold of the whole log, from its last checkpoint or its beginning. */
export async function loadLog(
  parts: Pick<BrokerParts, "logStore" | "clock">,
  log: LogKey,
  logStartOffset: number,
): Promise<LogState> {
  const checkpoint = await withTimeout(
    parts.clock,
    READ_TIMEOUT_MS,
    "reading the checkpoint",
    parts.logStore.readCheckpoint(log),
  );
  const isUsable = checkpoint !== undefined && checkpoint.logEndOffset >= logStartOffset;
  const state = await catchUp(parts, log, isUsable ? fromCheckpoint(checkpoint) : beginningOfLog(logStartOffset));
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
    // Items that do not continue the chain are debris: the chain ends before them.
    if (page.isEnd || caughtUp.logEndOffset === before) return caughtUp;
  }
  throw new KafkaError("KAFKA_STORAGE_ERROR", `${log} grows faster than it can be read`, {
    hint: "try again; spread the load over more partitions if it stays",
  });
}
