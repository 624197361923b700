import type { LogItem } from "./log-item.ts";
import type { RetentionTerms } from "./retention-terms.ts";
import { type TieringState, tieringLagMs } from "./segment/tiering-state.ts";

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

/** What an item's TTL leaves for tiering beyond local.retention.ms: no upkeep may stand still for longer. */
export const TIERING_ROOM_MS = 7 * DAY_MS;

/** Of that, what is left when hot items that are in a segment are no longer read: well before DynamoDB may delete the first. */
export const LOCAL_MARGIN_MS = 3 * DAY_MS;

/** Of that, what is left when the upkeep takes the TTL off items that must stay. */
export const RESCUE_MS = 2 * DAY_MS;

/**
 * Items are due to be tiered after this at the latest, whatever segment.ms says. Whether any is due is judged by the first one alone, and
 * those behind it may have been written under another local.retention.ms: within this, a day of wrong time in a
 * record, and a day of lag, no TTL has come as near as RESCUE_MS.
 */
export const SEAL_WITHIN_MS = 3 * DAY_MS;

/** Writers that find tiering further behind than this set no TTL, and the upkeep looks through all hot items for some to rescue. */
export const MAX_TIERING_LAG_MS = DAY_MS;

/** Records from further in the future say nothing of when they were written. */
const MAX_RECORD_LEAD_MS = DAY_MS;

/** Clocks of regions and functions differ by seconds; a state from the future is no state to go by. */
const MAX_CLOCK_SKEW_MS = 5 * 60 * 1000;

/** Beyond this a TTL is none: DynamoDB's are seconds since 1970, and no item waits for that long. */
const LONGEST_TTL_MS = 50 * 365 * DAY_MS;

/**
 * The `expiresAt` that a writer may put into a new item, in seconds since the epoch; undefined: none, the item stays until
 * somebody deletes it. It lies TIERING_ROOM_MS behind the end of local.retention.ms: as long as an upkeep that can copy runs once in
 * that room, or one that cannot takes TTLs off in time, nothing is deleted before it is in a segment. There is no TTL
 *  - without a tiering state, or with one that says that tiering is behind by more than MAX_TIERING_LAG_MS: it grows too while
 *    no upkeep runs, so writers stop by themselves;
 *  - for records that claim to be from the future, because isDue goes by their time;
 *  - for a barrier and the end of a log, which stay (REPLICATION.md, 9): do not ask for them;
 *  - where the topic keeps everything hot.
 * `now`: of the put. `tiering`: as the writer last read it; an older one only says that tiering is further behind than it is.
 */
export function expiresAt(
  now: number,
  maxTimestamp: number,
  terms: Pick<RetentionTerms, "localRetentionMs">,
  tiering: TieringState | undefined,
): number | undefined {
  if (tiering === undefined || tieringLagMs(tiering, now) > MAX_TIERING_LAG_MS) return undefined;
  if (tiering.caughtUpAt > now + MAX_CLOCK_SKEW_MS || maxTimestamp > now + MAX_RECORD_LEAD_MS) return undefined;
  const lifeMs = terms.localRetentionMs + TIERING_ROOM_MS;
  return lifeMs > LONGEST_TTL_MS ? undefined : Math.ceil((now + lifeMs) / 1000);
}

/**
 * Whether the first item that no segment has is due to be tiered, and all that stands behind it with it: by its records' time, or
 * when its TTL leaves no more than the room for tiering, which counts by its writer's clock. One without a TTL, where it should
 * have one, is from when tiering was behind or had not begun: it is due, and so is one whose time says nothing.
 */
export function isDue(item: Pick<LogItem, "maxTimestamp" | "expiresAt">, terms: RetentionTerms, now: number): boolean {
  const { maxTimestamp, expiresAt: expiry } = item;
  const isTimeless = maxTimestamp < 0 || maxTimestamp > now + MAX_RECORD_LEAD_MS;
  if (expiry === undefined && (isTimeless || Number.isFinite(terms.localRetentionMs))) return true;
  if (expiry !== undefined && expiry * 1000 - TIERING_ROOM_MS <= now) return true;
  const compactionMs = terms.isCompacted ? terms.maxCompactionLagMs : Number.POSITIVE_INFINITY;
  const sealAfterMs = Math.min(SEAL_WITHIN_MS, terms.segmentMs, terms.localRetentionMs, compactionMs);
  return maxTimestamp >= 0 && maxTimestamp + sealAfterMs <= now;
}

/**
 * The item to put in place of one that must stay though its TTL ends soon, without it; undefined: it may go, or has time. What must
 * stay is all from localLogStartOffset on: what no segment has while tiering fails, and an idle log's last item, without which its
 * end would be forgotten. Costs a write of the item, so it is left for when nothing else helps.
 */
export function rescued(item: LogItem, localLogStartOffset: number, now: number): LogItem | undefined {
  const { expiresAt: expiry, ...kept } = item;
  if (expiry === undefined || item.lastOffset < localLogStartOffset) return undefined;
  return expiry * 1000 - now > RESCUE_MS ? undefined : kept;
}
