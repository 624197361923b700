import { logKey } from "../../log/log-item.ts";
import { locallyRetainedFrom, retainedFrom } from "../../log/retention.ts";
import type { RetentionTerms } from "../../log/retention-terms.ts";
import { type CoveredStretch, coveringSegments, tieredEndOffset } from "../../log/segment/covering-segments.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import { copyUnderWay, sealReason } from "../../log/segment/tiering-plan.ts";
import {
  hasIdleItems,
  idleBelow,
  type TieringState,
  tieringLagMs,
  withLocalStart,
} from "../../log/segment/tiering-state.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { isReplicated } from "../partition-view.ts";
import { changeTieringState } from "./change-tiering-state.ts";
import { type CommittedEnd, committedEnd } from "./committed-end.ts";
import { compactLog } from "./compact-log.ts";
import { expiredHotEnd } from "./expired-hot.ts";
import { fillBuckets } from "./fill-buckets.ts";
import { segmentStart } from "./fold-at.ts";
import { keepCheckpoints } from "./keep-checkpoints.ts";
import { moveLogStart } from "./move-log-start.ts";
import { hasItemsToRemove, removeCold, removeIdleItems } from "./remove-cold.ts";
import { removeOrphans } from "./remove-orphans.ts";
import { rescueItems } from "./rescue-items.ts";
import { tierStretch } from "./tier-stretch.ts";
import { type FoundStretch, untieredStretch } from "./untiered-stretch.ts";
import { allSegments, hasTime, type UpkeepBroker, type UpkeepLog } from "./upkeep-log.ts";

/** A tiering state that says nothing new is written again after so long: writers and the alarm go by its caughtUpAt. */
const TELL_EVERY_MS = 30 * 60 * 1000;

/**
 * A log is idle for certain when it has been for so long: writers that go by an older state, which does not tell them that no clock may go, have
 * read it anew by then (item-expiry.ts).
 */
const IDLE_CERTAIN_MS = 30 * 60 * 1000;

/** What one run did for a partition. */
export interface PartitionUpkeep {
  readonly segmentsTiered: number;
  readonly bytesTiered: number;
  readonly segmentsCompacted: number;
  readonly segmentsDeleted: number;
  readonly itemsRescued: number;
  /** How far tiering is behind now, in milliseconds. */
  readonly lagMs: number;
  /** There was no time for all that is due. */
  readonly isLeft: boolean;
  /** Something will be due though nobody appends: the run must come again by a clock. */
  readonly needsClock: boolean;
  /** What the first step failed with that did; the others were done all the same. */
  readonly failure?: unknown;
}

export interface PartitionToKeep {
  readonly topicName: string;
  readonly registration: PartitionRegistration;
  readonly terms: RetentionTerms;
}

/**
 * One partition's upkeep, of which this region leads it: removes what is out of use, lets go what retention says, copies what is due into
 * segments, moves what is read from the hot items, keeps TTLs from taking what must stay, compacts. In this order; each step holds by itself, so
 * that a run may be killed anywhere, two may run at once, and one step's failure is no other's: above all, what cannot be copied is kept from being
 * deleted. Errors: what a store fails with while it is found out where the log stands.
 */
export async function upkeepPartition(
  broker: UpkeepBroker,
  partition: PartitionToKeep,
  untilMs: number,
): Promise<PartitionUpkeep> {
  const { topicId, partition: number } = partition.registration;
  return new PartitionRun(broker, { ...partition, log: logKey(topicId, number), untilMs }).run();
}

class PartitionRun {
  readonly #broker: UpkeepBroker;
  #of: UpkeepLog;
  #segments: readonly SegmentMetadata[] = [];
  #done = { segmentsTiered: 0, bytesTiered: 0, segmentsCompacted: 0, segmentsDeleted: 0, itemsRescued: 0 };
  #isLeft = false;
  #failure: unknown;

  constructor(broker: UpkeepBroker, of: UpkeepLog) {
    this.#broker = broker;
    this.#of = of;
  }

  async run(): Promise<PartitionUpkeep> {
    const broker = this.#broker;
    const beganAt = broker.clock.now();
    const [state, segments, end] = await Promise.all([
      changeTieringState(broker, this.#of, (found) => found),
      allSegments(broker, this.#of.log),
      committedEnd(broker, this.#of),
    ]);
    this.#segments = segments;
    if (end.isEnded) return { ...this.#done, lagMs: 0, isLeft: false, needsClock: false };
    const removedBelow = await this.#step(() => this.#remove(state, end));
    await this.#step(() => this.#retain(end));
    const tiered = await this.#step(() => this.#tier(end));
    const isCaughtUp = tiered?.isDue === false;
    const localStart = await this.#step(() => this.#localStart(state, end, tiered?.untiered));
    const told = await changeTieringState(broker, this.#of, (current) => {
      const next = {
        ...withLocalStart(current, localStart ?? 0, broker.clock.now()),
        tieredEndOffset: tieredEndOffset(this.#cover(), this.#of.registration.logStartOffset),
        caughtUpAt: isCaughtUp ? Math.max(current.caughtUpAt, beganAt) : current.caughtUpAt,
      };
      const below = Math.max(removedBelow ?? 0, current.hotRemovedBelow ?? 0);
      const whole = below === 0 ? next : { ...next, hotRemovedBelow: below };
      return isNews(current, whole) ? whole : current;
    });
    await this.#step(async () => {
      this.#done.itemsRescued = await rescueItems(broker, this.#of, told);
    });
    await this.#step(() => this.#compact(told));
    await this.#step(async () => {
      this.#isLeft ||= !(await fillBuckets(broker, this.#of, this.#cover())).isDone;
    });
    await this.#step(() => this.#sweep(told));
    const isPending = this.#failure !== undefined || this.#isPending(told, end, tiered?.untiered);
    return {
      ...this.#done,
      lagMs: isCaughtUp ? 0 : tieringLagMs(told, broker.clock.now()),
      isLeft: this.#isLeft,
      needsClock: await this.#tellIdle(isPending, beganAt),
      ...(this.#failure === undefined ? {} : { failure: this.#failure }),
    };
  }

  /** undefined: it failed. */
  async #step<T>(step: () => Promise<T>): Promise<T | undefined> {
    try {
      return await step();
    } catch (error) {
      this.#failure ??= error;
      return undefined;
    }
  }

  #cover(): CoveredStretch[] {
    const { logStartOffset, uncleanElections } = this.#of.registration;
    return coveringSegments(this.#segments, logStartOffset, uncleanElections);
  }

  /**
   * By the starts as they were before this run. Answers up to where hot items that no TTL takes are gone. A replica that has come into sync since they
   * moved may have no checkpoint that goes as far: its log, and one that it leads, would begin with a hole.
   */
  async #remove(state: TieringState, { committed }: CommittedEnd): Promise<number> {
    const now = this.#broker.clock.now();
    if (isReplicated(this.#of.registration) && hasItemsToRemove(state, this.#segments, now)) {
      await keepCheckpoints(this.#broker, this.#of, idleBelow(state, now), async () => this.#segments);
    }
    const barrierOffset = committed?.epochs.at(-1)?.startOffset;
    const removed = await removeCold(this.#broker, this.#of, state, this.#segments, barrierOffset);
    this.#segments = removed.segments;
    this.#done.segmentsDeleted = removed.segmentsDeleted;
    return (await removeIdleItems(this.#broker, this.#of, state, barrierOffset)).removedBelow;
  }

  /** Moves logStartOffset to where retention.ms and retention.bytes say. */
  async #retain(end: CommittedEnd): Promise<void> {
    const { terms, registration } = this.#of;
    const { logStartOffset } = registration;
    if (!terms.isDeleted || end.lastItem === undefined) return;
    const cover = this.#cover();
    const tieredEnd = tieredEndOffset(cover, logStartOffset);
    const untiered = await untieredStretch(this.#broker, this.#of, tieredEnd, end);
    const bounds = this.#bounds(end, logStartOffset);
    let start = retainedFrom(cover, untiered?.bytes ?? 0, bounds, terms, this.#broker.clock.now());
    if (start >= tieredEnd) start = await expiredHotEnd(this.#broker, this.#of, start, end);
    if (start <= logStartOffset) return;
    const moved = await moveLogStart(this.#broker, this.#of, start, async () => this.#segments);
    this.#of = { ...this.#of, registration: { ...registration, logStartOffset: moved.logStartOffset } };
  }

  /** Copies stretch after stretch while one is due and there is time. Answers what is in no segment then, and whether it is due. */
  async #tier(end: CommittedEnd): Promise<{ readonly untiered: FoundStretch | undefined; readonly isDue: boolean }> {
    const broker = this.#broker;
    for (let last = end; ; ) {
      const fromOffset = tieredEndOffset(this.#cover(), this.#of.registration.logStartOffset);
      const untiered = await untieredStretch(broker, this.#of, fromOffset, last);
      const now = broker.clock.now();
      const isDue = untiered !== undefined && sealReason(untiered, this.#of.terms, now) !== undefined;
      if (!isDue) return { untiered, isDue };
      const { baseOffset } = untiered;
      // Another run may have come further since they were listed: two that go on side by side would copy everything twice.
      this.#segments = await allSegments(broker, this.#of.log);
      if (tieredEndOffset(this.#cover(), this.#of.registration.logStartOffset) > fromOffset) continue;
      if (copyUnderWay(this.#segments, baseOffset, now) !== undefined) return { untiered, isDue };
      if (!hasTime(broker, this.#of)) {
        this.#isLeft = true;
        return { untiered, isDue };
      }
      const start = await segmentStart(broker, this.#of, this.#segments, baseOffset);
      const tiered = await tierStretch(broker, this.#of, start, last.highWatermark);
      if (tiered === undefined) return { untiered, isDue };
      this.#segments = [...this.#segments, tiered];
      this.#done.segmentsTiered++;
      this.#done.bytesTiered += tiered.content?.sizeInBytes ?? 0;
      // A copy takes minutes: the log may have grown, or its topic been deleted.
      last = await committedEnd(broker, this.#of);
      if (last.isEnded) return { untiered: undefined, isDue: false };
    }
  }

  /** Where hot items begin to be read from now on; checkpoints that go as far are in every table. */
  async #localStart(state: TieringState, end: CommittedEnd, untiered: FoundStretch | undefined): Promise<number> {
    const { terms, registration } = this.#of;
    const bounds = this.#bounds(end, state.localLogStartOffset);
    const now = this.#broker.clock.now();
    const start = locallyRetainedFrom(this.#cover(), untiered?.bytes ?? 0, bounds, terms, now);
    const localStart = Math.max(start, registration.logStartOffset);
    // Each run looks at all of them: one that was away, or was made since, lacks it too.
    await keepCheckpoints(this.#broker, this.#of, localStart, async () => this.#segments);
    return localStart;
  }

  async #compact(state: TieringState): Promise<void> {
    if (!this.#of.terms.isCompacted || !hasTime(this.#broker, this.#of)) return;
    const { segments, cleanedOffset, isDone } = await compactLog(this.#broker, this.#of, this.#cover(), state);
    this.#isLeft ||= !isDone;
    this.#segments = [...this.#segments, ...segments].sort((one, other) => one.baseOffset - other.baseOffset);
    this.#done.segmentsCompacted = segments.length;
    // Readers of this process need not wait until what they know is old.
    if (segments.length > 0) this.#broker.cold.segments.forget(this.#of.log, this.#of.registration);
    if (cleanedOffset === undefined) return;
    await changeTieringState(this.#broker, this.#of, (current) => ({ ...current, cleanedOffset }));
    // By an older localLogStartOffset they would read the items instead.
    await this.#broker.cold.tiering.refresh(this.#of.log);
  }

  async #sweep(state: TieringState): Promise<void> {
    const { sweep } = await removeOrphans(this.#broker, this.#of, state);
    if (sweep === state.sweep || sweep === undefined) return;
    this.#isLeft ||= sweep.next !== undefined;
    await changeTieringState(this.#broker, this.#of, (current) => ({ ...current, sweep }));
  }

  #bounds({ lastItem, highWatermark }: CommittedEnd, localLogStartOffset: number) {
    const lastItemOffset = lastItem?.baseOffset ?? highWatermark;
    return { logStartOffset: this.#of.registration.logStartOffset, localLogStartOffset, lastItemOffset };
  }

  /** Tells writers whether they must begin the upkeep themselves. Answers whether a clock must go on. */
  async #tellIdle(isPending: boolean, now: number): Promise<boolean> {
    const { idleSince } = await changeTieringState(this.#broker, this.#of, (current) => {
      if (isPending === (current.idleSince === undefined)) return current;
      const { idleSince: _, ...rest } = current;
      return isPending ? rest : { ...rest, idleSince: now };
    });
    return idleSince === undefined || now - idleSince < IDLE_CERTAIN_MS;
  }

  /** Whether time alone makes something due. */
  #isPending(state: TieringState, { lastItem }: CommittedEnd, untiered: FoundStretch | undefined): boolean {
    const { terms } = this.#of;
    const { logStartOffset } = this.#of.registration;
    const { localLogStartOffset } = state;
    const cover = this.#cover();
    const read = new Set(cover.map(({ segment }) => segment.segmentId));
    const lastItemOffset = lastItem?.baseOffset ?? 0;
    const expires = terms.isDeleted && Number.isFinite(terms.retentionMs) && logStartOffset < lastItemOffset;
    const cools =
      localLogStartOffset < lastItemOffset &&
      cover.some(
        ({ toOffset, segment: { content } }) =>
          toOffset >= localLogStartOffset &&
          (Number.isFinite(terms.localRetentionMs) || content.hotUntil !== undefined),
      );
    return (
      this.#isLeft ||
      untiered !== undefined ||
      expires ||
      cools ||
      lastItem?.expiresAt !== undefined ||
      hasIdleItems(state) ||
      // Those that another took the place of, and copies and deletions under way.
      this.#segments.some(({ segmentId }) => !read.has(segmentId))
    );
  }
}

/** A state that only says again that all is done is a write for little. */
function isNews(before: TieringState, after: TieringState): boolean {
  return (
    before.tieredEndOffset !== after.tieredEndOffset ||
    before.localLogStartOffset !== after.localLogStartOffset ||
    before.localStarts !== after.localStarts ||
    before.hotRemovedBelow !== after.hotRemovedBelow ||
    after.caughtUpAt - before.caughtUpAt >= TELL_EVERY_MS
  );
}
