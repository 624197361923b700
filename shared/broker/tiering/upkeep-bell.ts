import { type TieringState, tieringLagMs } from "../../log/segment/tiering-state.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Background } from "../background.ts";
import type { BrokerParts } from "../broker.ts";

/** While anything is due the upkeep comes each hour by its clock, and tells: a log for which it did not come for longer has none. */
const UNKEPT_AFTER_MS = 2 * 60 * 60 * 1000;
/** A run for all logs is on its way then. */
const AGAIN_AFTER_MS = 5 * 60 * 1000;
const TIMEOUT_MS = 3_000;

/** The event that begins a run of the upkeep. */
export const UPKEEP_EVENT = '{"upkeep":true}';

type Parts = Pick<BrokerParts, "upkeepInvocation" | "clock" | "logger">;

/**
 * Begins the upkeep by what is done to logs, where nothing else does: no clock goes while time alone makes nothing due (upkeep-clock.ts). The first
 * writer of a process to ring asks for a run that looks after all logs, and sets the clock going.
 */
export class UpkeepBell {
  readonly #parts: Parts;
  readonly #background: Pick<Background, "add">;
  #rungAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Parts, background: Pick<Background, "add">) {
    this.#parts = parts;
    this.#background = background;
  }

  /** Something was appended to a log whose tiering state is this, as far as its writer knows. */
  ring(tiering: TieringState | undefined): void {
    const now = this.#parts.clock.now();
    const isKept =
      tiering?.idleSince === undefined && tiering !== undefined && tieringLagMs(tiering, now) < UNKEPT_AFTER_MS;
    if (!isKept && now - this.#rungAt >= AGAIN_AFTER_MS) this.ringAnyway();
  }

  /** What a log is kept by has changed: something may be due that was not. */
  ringAnyway(): void {
    const { upkeepInvocation, clock } = this.#parts;
    if (upkeepInvocation === undefined) return;
    this.#rungAt = clock.now();
    const invoke = () => withTimeout(clock, TIMEOUT_MS, "beginning the upkeep", upkeepInvocation.invoke(UPKEEP_EVENT));
    void this.#background.add("beginning the upkeep of logs", invoke);
  }
}
