import type { LogKey } from "../../log/log-item.ts";
import { fillsSegment } from "../../log/segment/tiering-plan.ts";
import { type TieringState, tieringLagMs } from "../../log/segment/tiering-state.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Background } from "../background.ts";
import type { BrokerParts } from "../broker.ts";
import type { PutItem } from "./item-expiry.ts";
import { ownBrokerId } from "./upkeep-log.ts";

/** While anything is due the upkeep comes each hour by its clock, and tells: a log for which it did not come for longer has none. */
const UNKEPT_AFTER_MS = 2 * 60 * 60 * 1000;
/** A run for all logs is on its way then. */
const AGAIN_AFTER_MS = 5 * 60 * 1000;
/** The copy of a segment takes some of it; what fills more in the meantime goes into the same run. */
const FULL_AGAIN_AFTER_MS = 60 * 1000;
/** Logs that one process remembers to have rung for. */
const MAX_LOGS = 10_000;
const TIMEOUT_MS = 3_000;

/** The event that begins a run of the upkeep: of all logs, or of the one named. */
export function upkeepEvent(log?: LogKey): string {
  return JSON.stringify({ upkeep: log ?? true });
}

type Parts = Pick<BrokerParts, "upkeepInvocations" | "brokerId" | "clock" | "logger" | "metrics">;

/**
 * Begins the upkeep by what is done to logs, where nothing else does so soon: in the region that leads the log.
 *  - No clock goes while time alone makes nothing due (upkeep-clock.ts). The first writer of a process to ring asks for a run that looks after all
 *    logs, and sets the clock going.
 *  - A log that fills a segment is looked after by a run of its own, before the hour: so the upkeep keeps up with what is appended, however much.
 */
export class UpkeepBell {
  readonly #parts: Parts;
  readonly #background: Pick<Background, "add">;
  #rungAt = Number.NEGATIVE_INFINITY;
  /** When it was last rung for a log alone, the longest ago first. */
  readonly #fullAt = new Map<LogKey, number>();

  constructor(parts: Parts, background: Pick<Background, "add">) {
    this.#parts = parts;
    this.#background = background;
  }

  /**
   * Something was appended to a log whose tiering state is this, as far as its writer knows. A writer that finds that no upkeep came for hours, or that
   * cannot ask for it, tells the lag: nobody else does then.
   */
  ring(log: LogKey, { item, registration, segmentBytes }: PutItem, tiering: TieringState | undefined): void {
    const { clock, metrics } = this.#parts;
    const { leader, logStartOffset } = registration;
    const now = clock.now();
    const lagMs = tiering === undefined ? 0 : tieringLagMs(tiering, now);
    const isIdle = tiering === undefined || tiering.idleSince !== undefined;
    const isUnkept = !isIdle && lagMs >= UNKEPT_AFTER_MS;
    if (isUnkept) metrics.gauge("TieringLag", lagMs);
    if ((isIdle || isUnkept) && now - this.#rungAt >= AGAIN_AFTER_MS) this.#ringForAll(leader, lagMs);
    if (fillsSegment(item, tiering?.tieredEndOffset ?? logStartOffset, segmentBytes)) this.#ringFor(log, leader, lagMs);
  }

  /** What logs are kept by has changed: something may be due that was not. `leader`: of the log, this region's unless told. */
  ringAnyway(leader = ownBrokerId(this.#parts)): void {
    this.#ringForAll(leader, 0);
  }

  #ringForAll(leader: number, lagMs: number): void {
    this.#rungAt = this.#parts.clock.now();
    this.#invoke(leader, upkeepEvent(), lagMs);
  }

  #ringFor(log: LogKey, leader: number, lagMs: number): void {
    const now = this.#parts.clock.now();
    if (now - (this.#fullAt.get(log) ?? Number.NEGATIVE_INFINITY) < FULL_AGAIN_AFTER_MS) return;
    this.#fullAt.delete(log);
    this.#fullAt.set(log, now);
    const [oldest] = this.#fullAt.keys();
    if (this.#fullAt.size > MAX_LOGS && oldest !== undefined) this.#fullAt.delete(oldest);
    this.#invoke(leader, upkeepEvent(log), lagMs);
  }

  #invoke(leader: number, event: string, lagMs: number): void {
    const { upkeepInvocations, clock, metrics } = this.#parts;
    const invocation = upkeepInvocations?.get(leader);
    if (invocation === undefined) return;
    const invoke = async () => {
      try {
        await withTimeout(clock, TIMEOUT_MS, "beginning the upkeep", invocation.invoke(event));
      } catch (error) {
        metrics.gauge("TieringLag", lagMs);
        throw error;
      }
    };
    void this.#background.add("beginning the upkeep of logs", invoke);
  }
}
