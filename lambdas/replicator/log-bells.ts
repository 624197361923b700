import type { LogKey } from "../../shared/log/log-item.ts";

/** A log item's key; checkpoints lie under `<topicId>#<partition>#checkpoint`, and are nobody's bell. */
const LOG = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}#\d{1,5}$/;
const OFFSET = /^\d{1,16}$/;

/**
 * The logs that a batch of the log table's stream is about, each with the largest offset where something was put; undefined for
 * what is no such batch. Keys alone are read, and what is removed rings no bell: retention has nothing to replicate.
 * https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_streams_Record.html
 */
export function logBells(event: unknown): ReadonlyMap<LogKey, number> | undefined {
  const records = (event as { Records?: unknown } | null | undefined)?.Records;
  if (!Array.isArray(records) || !records.every((record) => isObject(record) && isObject(record["dynamodb"]))) {
    return undefined;
  }
  const bells = new Map<LogKey, number>();
  for (const { eventName, dynamodb } of records as readonly StreamRecord[]) {
    const log = dynamodb.Keys?.["tp"]?.S;
    const offset = dynamodb.Keys?.["baseOffset"]?.N;
    if (eventName === "REMOVE" || typeof log !== "string" || !LOG.test(log)) continue;
    if (typeof offset !== "string" || !OFFSET.test(offset)) continue;
    const key = log as LogKey;
    bells.set(key, Math.max(bells.get(key) ?? 0, Number(offset)));
  }
  return bells;
}

interface StreamRecord {
  readonly eventName?: unknown;
  readonly dynamodb: { readonly Keys?: Readonly<Record<string, { readonly S?: unknown; readonly N?: unknown }>> };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
