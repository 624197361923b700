import type { LogKey } from "../../log/log-item.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import type { BrokerParts } from "../broker.ts";
import { untilKnown } from "../until-known.ts";

/** Far less than IDLE_ITEMS_KEPT_MS: hot items below localLogStartOffset are not deleted while somebody may still go by an older one. */
const TIERING_STATE_MS = 60_000;

const MAX_LOGS = 10_000;

interface Entry {
  readonly state: Promise<TieringState | undefined>;
  /** When it was asked for, in milliseconds since the epoch. */
  readonly readAt: number;
}

type Parts = Pick<BrokerParts, "segmentRegistry" | "clock" | "random">;

/** The tiering states of logs, as this process read them at most TIERING_STATE_MS ago. */
export class TieringStates {
  readonly #parts: Parts;
  /** The one read longest ago first. */
  readonly #entries = new Map<LogKey, Entry>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** undefined: it was never tiered. Requests that come while it is being read share that read. Errors: those of the registry. */
  get(log: LogKey): Promise<TieringState | undefined> {
    const entry = this.#entries.get(log);
    if (entry !== undefined && this.#parts.clock.now() - entry.readAt < TIERING_STATE_MS) return entry.state;
    return this.refresh(log);
  }

  refresh(log: LogKey): Promise<TieringState | undefined> {
    const { segmentRegistry, clock } = this.#parts;
    if (segmentRegistry === undefined) return Promise.resolve(undefined);
    const read = () => segmentRegistry.readTieringState(log);
    const entry: Entry = { readAt: clock.now(), state: untilKnown(this.#parts, "reading the tiering state", read) };
    this.#entries.delete(log);
    this.#entries.set(log, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_LOGS && oldest !== undefined) this.#entries.delete(oldest);
    entry.state.catch(() => {
      if (this.#entries.get(log) === entry) this.#entries.delete(log);
    });
    return entry.state;
  }
}
