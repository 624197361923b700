import { KafkaError } from "../../kafka/kafka-error.ts";
import type { LogItem, LogKey } from "../../log/log-item.ts";
import { expiresAt } from "../../log/retention-expiry.ts";
import { IDLE_ITEMS_KEPT_MS, inLineage, type TieringState } from "../../log/segment/tiering-state.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { BrokerParts } from "../broker.ts";
import { readRegistration } from "../change-partition.ts";
import type { TieringStates } from "../cold/tiering-states.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { untilKnown } from "../until-known.ts";
import type { UpkeepBell } from "./upkeep-bell.ts";

/** An older state only says that tiering is further behind than it is; writers need one of less than a day. */
const STATE_MS = 10 * 60 * 1000;
/** A first append does not wait for longer to be given a TTL. */
const WAIT_MS = 1_000;
/** A slot that was free when the log's end was read cannot have been taken and deleted again within this. */
const SLOT_CERTAIN_MS = IDLE_ITEMS_KEPT_MS / 2;
/** A put that took longer was asleep: its item's TTL may end before it is tiered. */
const EXPIRY_CERTAIN_MS = 60 * 60 * 1000;

/** What was put into a log. */
export interface PutItem {
  readonly item: LogItem;
  readonly registration: PartitionRegistration;
  readonly segmentBytes: number;
}

/**
 * What a writer has to do with retention: when its items may be deleted, and whether a slot that it took had been deleted. One for
 * each writer of a log; a cache.
 */
export class ItemExpiry {
  readonly #parts: BrokerParts;
  readonly #log: LogKey;
  readonly #states: Pick<TieringStates, "get">;
  readonly #bell: UpkeepBell;
  #state: TieringState | undefined;
  #readAt = Number.NEGATIVE_INFINITY;

  constructor(parts: BrokerParts, log: LogKey, states: Pick<TieringStates, "get">, bell: UpkeepBell) {
    this.#parts = parts;
    this.#log = log;
    this.#states = states;
    this.#bell = bell;
  }

  /** Makes sure that a state is known, if there is one; beside the reading of the log. Never fails, and never waits for long. */
  async prepare(): Promise<void> {
    const { segmentRegistry, clock, logger } = this.#parts;
    if (segmentRegistry === undefined || clock.now() - this.#readAt < STATE_MS) return;
    const isFirst = this.#readAt === Number.NEGATIVE_INFINITY;
    // One that cannot be read is not asked for by every append: without it items have no TTL, or are given it by the old one.
    this.#readAt = clock.now();
    const read = this.#states.get(this.#log).then((state) => {
      this.#state = state;
    });
    const noted = withTimeout(clock, WAIT_MS, "reading the tiering state", read).catch((error: unknown) =>
      logger.warn("items are written without a TTL: the tiering state is not known", { log: this.#log }, error),
    );
    if (isFirst) await noted;
  }

  /** The TTL of an item that is put now, in seconds since the epoch; undefined: none. */
  expiresAt(maxTimestamp: number, localRetentionMs: number): number | undefined {
    if (this.#parts.segmentRegistry === undefined) return undefined;
    return expiresAt(this.#parts.clock.now(), maxTimestamp, { localRetentionMs }, this.#state);
  }

  /**
   * After a put. `readAt`: when the slot was certainly free; `leader`: parts on the leader's stores. A writer that slept asks whether the
   * slot had been deleted in the meantime, so that what it wrote is nowhere. Errors: REQUEST_TIMED_OUT, `outcome` unknown, if it may be so.
   */
  async confirm(leader: BrokerParts, put: PutItem, readAt: number): Promise<void> {
    const { segmentRegistry, clock } = this.#parts;
    if (segmentRegistry === undefined) return;
    const { item, registration } = put;
    const sleptMs = clock.now() - readAt;
    if (sleptMs < SLOT_CERTAIN_MS) {
      this.#bell.ring(this.#log, put, this.#state);
      return;
    }
    const { topicId, partition } = registration;
    const [current, state] = await Promise.all([
      readRegistration(this.#parts, topicId, partition),
      untilKnown(this.#parts, "reading the tiering state", () => segmentRegistry.readTieringState(this.#log)),
    ]);
    this.#bell.ring(this.#log, put, state);
    // Nothing at localLogStartOffset or above was ever deleted, so the slot had been free.
    const local = state && inLineage(state, current?.uncleanElections).localLogStartOffset;
    const hotFrom = Math.max(current?.logStartOffset ?? Number.POSITIVE_INFINITY, local ?? 0);
    if (item.baseOffset < hotFrom) throw mayBeNowhere(this.#log, item.baseOffset, sleptMs);
    if (item.expiresAt === undefined || sleptMs < EXPIRY_CERTAIN_MS) return;
    const { expiresAt: _, ...kept } = item;
    const replace = () => leader.logStore.replaceItem(this.#log, kept, item);
    await untilKnown(this.#parts, "keeping an item", replace);
  }
}

function mayBeNowhere(log: LogKey, offset: number, sleptMs: number): KafkaError {
  return new KafkaError(
    "REQUEST_TIMED_OUT",
    `the end of ${log} had moved past ${offset} before it was written there, ${Math.round(sleptMs / 1000)} s late`,
    { hint: "it may be in the log or not: send it again if it may be there twice", outcome: "unknown" },
  );
}
