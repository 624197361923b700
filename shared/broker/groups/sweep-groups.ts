import type { Group } from "../../group/group.ts";
import type { SweepPlace } from "../../group/group-store.ts";
import { isSweepDue } from "../../group/sweep.ts";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { type Coordinator, coordinatorAt } from "./coordinate.ts";
import { type SweptGroup, sweepGroup } from "./sweep-group.ts";

export interface SweepGroups {
  /** Nothing begins past it, milliseconds since the epoch. What is under way then ends within {@link OVERTIME_MS}. */
  readonly untilMs: number;
}

export interface SweptGroups {
  /** That were read: those in use, and those whose time had come. */
  readonly groups: number;
  /** Of them; those that were not reached are not among them. */
  readonly members: number;
  readonly offsetsDeleted: number;
  readonly groupsDeleted: number;
  /** The largest lag in a partition, of the groups that were looked at, or where that were not all, of the last round of sweeps. */
  readonly maxLag: number;
  /** Groups that could not be swept: the next sweep tries again. */
  readonly failed: number;
  /** Behind which group the next sweep begins, because this one did not look at all; undefined: it did. */
  readonly next: string | undefined;
}

/** Of listings, and of groups read at once. */
const LISTED_AT_ONCE = 1_000;
const READ_AT_ONCE = 100;
const GROUPS_AT_ONCE = 8;
const TIMEOUT_MS = 5_000;
export const OVERTIME_MS = 3_000;
/** Groups in use with nothing to do that a sweep looks at nevertheless, and log ends that it reads for their lag, each a read or two. */
const MAX_LOOKS = 2_000;
const MAX_LAGS = 2_000;

/**
 * The sweep over the groups that have their home in this region, once a minute: members that are gone, offsets whose retention is over, groups that are left
 * with nothing, and deletions that were cut short. Whatever touches a group does the first by itself; the sweep is for groups that nobody touches. A group that is
 * empty is not read before its time. Those in use are read a hundred at a time; of those that somebody else looks after, some are looked at: what they lag
 * behind, and what they may forget. The next sweep begins with the one that this one did not look at first, so that each has its turn, whichever
 * process sweeps. Every step may be done twice, and by several sweeps at once. Errors: KafkaError if the groups cannot be listed.
 */
export async function sweepGroups(broker: Broker, { untilMs }: SweepGroups): Promise<SweptGroups> {
  const coordinator = coordinatorAt(broker, broker.brokerId ?? 1);
  const { groupStore, clock } = coordinator;
  const place = await timed(coordinator, "reading where the sweep is", groupStore.readSweepPlace());
  const swept: SweptGroup[] = [];
  const left = new Set<string>();
  let [groups, members, failed, looks, lags] = [0, 0, 0, 0, 0];
  let last = place?.after;
  let next: { readonly after: string | undefined; readonly isPastEnd: boolean } | undefined;

  const sweepOne = async (groupId: string, group: Group | undefined) => {
    const now = clock.now();
    const isDue = group === undefined || isSweepDue(group, now);
    if (now >= untilMs) left.add(groupId);
    else if (!isDue && (looks >= MAX_LOOKS || lags >= MAX_LAGS)) {
      left.add(groupId);
      groups++;
      members += group.memberCount;
    } else {
      if (!isDue) looks++;
      try {
        const sweeping = sweepGroup(broker, coordinator, groupId, Math.max(0, MAX_LAGS - lags));
        // One group that does not end keeps no other from being swept.
        const one = await withTimeout(clock, untilMs + OVERTIME_MS - now, "sweeping a group", sweeping);
        lags += one.lags;
        swept.push(one);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        failed++;
        broker.logger.warn("a group was not swept", { groupId, code: error.code }, error);
      }
    }
  };
  for await (const { groupIds, isPastEnd } of pages(coordinator, place?.after)) {
    if (clock.now() >= untilMs) {
      next ??= { after: last, isPastEnd };
      break;
    }
    const found = await timed(coordinator, "reading groups", groupStore.readGroups(groupIds));
    const byId = new Map(found.map((group) => [group.groupId, group]));
    await sideBySide(groupIds, GROUPS_AT_ONCE, (groupId) => sweepOne(groupId, byId.get(groupId)));
    for (const groupId of groupIds) {
      if (left.has(groupId)) next ??= { after: last, isPastEnd };
      last = groupId;
    }
  }

  const sum = (of: (one: SweptGroup) => number) => swept.reduce((total, one) => total + of(one), 0);
  const lag = Math.max(0, ...swept.map(({ maxLag }) => maxLag));
  const nextPlace = next?.after === undefined ? undefined : placeAt(next.after, next.isPastEnd, lag, place);
  if (nextPlace !== undefined || place !== undefined)
    await timed(coordinator, "noting where the sweep is", groupStore.putSweepPlace(nextPlace));
  const maxLag = next === undefined ? lag : Math.max(lag, place?.lag ?? 0, place?.lagBefore ?? 0);
  members += sum((one) => one.members);
  broker.metrics.gauge("GroupMembers", members);
  broker.metrics.gauge("ConsumerLag", maxLag);
  return {
    groups: groups + swept.length,
    members,
    offsetsDeleted: sum((one) => one.offsetsDeleted),
    groupsDeleted: sum((one) => (one.isDeleted ? 1 : 0)),
    maxLag,
    failed,
    next: next?.after,
  };
}

interface Page {
  readonly groupIds: readonly string[];
  /** It is past the last group, and has begun with the first one again. */
  readonly isPastEnd: boolean;
}

/** Groups that are to be swept by now, in order: those behind `after`, then the others. */
async function* pages(coordinator: Coordinator, after: string | undefined): AsyncGenerator<Page> {
  yield* pagesBetween(coordinator, after, undefined);
  if (after !== undefined) yield* pagesBetween(coordinator, undefined, after);
}

async function* pagesBetween(
  coordinator: Coordinator,
  from: string | undefined,
  to: string | undefined,
): AsyncGenerator<Page> {
  const { groupStore, clock } = coordinator;
  for (let after = from; ; ) {
    const options = { limit: LISTED_AT_ONCE, sweepBefore: clock.now() + 1, ...(after === undefined ? {} : { after }) };
    const listed = await timed(coordinator, "listing groups", groupStore.listGroups(options));
    const groupIds = listed.map(({ groupId }) => groupId);
    const end = to === undefined ? -1 : groupIds.findIndex((groupId) => isBehind(groupId, to));
    const mine = end < 0 ? groupIds : groupIds.slice(0, end);
    for (let at = 0; at < mine.length; at += READ_AT_ONCE)
      yield { groupIds: mine.slice(at, at + READ_AT_ONCE), isPastEnd: to !== undefined };
    if (listed.length < LISTED_AT_ONCE || end >= 0) return;
    after = groupIds.at(-1);
  }
}

/** In the order of the store, which is that of the bytes. */
function isBehind(groupId: string, other: string): boolean {
  return Buffer.compare(Buffer.from(groupId), Buffer.from(other)) > 0;
}

function placeAt(after: string, isPastEnd: boolean, lag: number, before: SweepPlace | undefined): SweepPlace {
  const ofRound = Math.max(lag, before?.lag ?? 0);
  return isPastEnd ? { after, lag, lagBefore: ofRound } : { after, lag: ofRound, lagBefore: before?.lagBefore ?? 0 };
}

function timed<T>({ clock }: Coordinator, what: string, promise: Promise<T>): Promise<T> {
  return withTimeout(clock, TIMEOUT_MS, what, promise);
}
