import { KafkaError } from "../../kafka/kafka-error.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { coordinatorAt } from "./coordinate.ts";
import { type SweptGroup, sweepGroup } from "./sweep-group.ts";

export interface SweepGroups {
  /** Nothing begins past it, milliseconds since the epoch. */
  readonly untilMs: number;
  /** Goes on behind this group: `next` of a sweep that ran out of time. */
  readonly after?: string | undefined;
}

export interface SweptGroups {
  readonly groups: number;
  /** Of the groups that were looked at. */
  readonly members: number;
  readonly offsetsDeleted: number;
  readonly groupsDeleted: number;
  /** The largest lag in a partition that was looked at. */
  readonly maxLag: number;
  /** Groups that could not be swept: the next sweep tries again. */
  readonly failed: number;
  /** Where the next sweep goes on; undefined: all were swept. */
  readonly next: string | undefined;
}

const PAGE = 100;
const GROUPS_AT_ONCE = 8;
const LIST_TIMEOUT_MS = 5_000;
/** One group that does not end keeps no other from being swept. */
const GROUP_TIMEOUT_MS = 60_000;
/** Log ends that are read for lag, each a read or two. */
const MAX_LAGS = 2_000;

/**
 * The sweep over the groups that have their home in this region, once a minute: members that are gone, offsets whose retention is over, groups that are left
 * with nothing, and deletions that were cut short. Whatever touches a group does the first by itself; the sweep is for groups that nobody touches.
 * It tells members and lag. Every step may be done twice, and by several sweeps at once. Errors: KafkaError if the groups cannot be listed.
 */
export async function sweepGroups(broker: Broker, { untilMs, after }: SweepGroups): Promise<SweptGroups> {
  const coordinator = coordinatorAt(broker, broker.brokerId ?? 1);
  const { groupStore, clock } = coordinator;
  const swept: SweptGroup[] = [];
  let failed = 0;
  let lagsLeft = MAX_LAGS;
  let last = after;
  let isDone = false;
  while (!isDone && clock.now() < untilMs) {
    const sweepBefore = clock.now() + 1;
    const options = { limit: PAGE, sweepBefore, ...(last === undefined ? {} : { after: last }) };
    const page = await withTimeout(clock, LIST_TIMEOUT_MS, "listing groups", groupStore.listGroups(options));
    await sideBySide(page, GROUPS_AT_ONCE, async ({ groupId }) => {
      try {
        const sweeping = sweepGroup(broker, coordinator, groupId, Math.max(0, lagsLeft));
        const one = await withTimeout(clock, GROUP_TIMEOUT_MS, "sweeping a group", sweeping);
        lagsLeft -= one.lags;
        swept.push(one);
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        failed++;
        broker.logger.warn("a group was not swept", { groupId, code: error.code }, error);
      }
    });
    last = page.at(-1)?.groupId ?? last;
    isDone = page.length < PAGE;
  }
  const sum = (of: (one: SweptGroup) => number) => swept.reduce((total, one) => total + of(one), 0);
  const members = sum((one) => one.members);
  const maxLag = Math.max(0, ...swept.map((one) => one.maxLag));
  broker.metrics.gauge("GroupMembers", members);
  broker.metrics.gauge("ConsumerLag", maxLag);
  return {
    groups: swept.length,
    members,
    offsetsDeleted: sum((one) => one.offsetsDeleted),
    groupsDeleted: sum((one) => (one.isDeleted ? 1 : 0)),
    maxLag,
    failed,
    next: isDone ? undefined : last,
  };
}
