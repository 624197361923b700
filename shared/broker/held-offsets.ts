import type { LogItem, LogKey } from "../log/log-item.ts";
import { fold, type LogState } from "../log/log-state.ts";
import type { BrokerParts } from "./broker.ts";
import { type Lineage, lineageOf } from "./lineage.ts";
import { loadCheckpoint } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { at } from "./replica-stores.ts";

/** After so long without news the own checkpoint may tell of more than this process knows. */
const CHECKPOINT_AGE_MS = 5_000;
const MAX_LOGS = 10_000;

interface Held {
  /** The fold of what is committed and lies here. */
  readonly state: LogState;
  /** When that was learned; milliseconds since the epoch. */
  readonly at: number;
}

/**
 * How far the table of this process's own region holds the committed log of partitions that another region leads: by its
 * checkpoint, which is of what the table holds for good, and by what this process has verified there itself (REPLICATION.md, 8).
 * Such records may be read here, whatever became of the leader (KIP-392).
 */
export class HeldOffsets {
  readonly #parts: BrokerParts;
  /** The one used longest ago first. */
  readonly #held = new Map<Lineage, Held>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
  }

  /** The parts on the own region's stores, if it follows the leader of this partition. */
  follower({ leader, replicas }: PartitionRegistration): BrokerParts | undefined {
    const { brokerId } = this.#parts;
    if (brokerId === undefined || brokerId === leader || !replicas.includes(brokerId)) return undefined;
    return at(this.#parts, brokerId);
  }

  /** What is known without asking. */
  known(log: LogKey, registration: PartitionRegistration): LogState | undefined {
    return this.#held.get(lineageOf(log, registration))?.state;
  }

  /**
   * What is known, by the own checkpoint if nothing is yet; it is read again for an offset beyond it, where nothing new was
   * learned for some seconds. Errors: FENCED_LEADER_EPOCH where the registration is old; what the own store fails with.
   */
  async read(log: LogKey, registration: PartitionRegistration, offset = 0): Promise<LogState> {
    const lineage = lineageOf(log, registration);
    const held = this.#held.get(lineage);
    const now = this.#parts.clock.now();
    const isEnough = held !== undefined && (offset < held.state.logEndOffset || now - held.at < CHECKPOINT_AGE_MS);
    if (isEnough) return held.state;
    const own = at(this.#parts, this.#parts.brokerId!);
    return this.#keep(lineage, await loadCheckpoint(own, log, registration));
  }

  /** Items were seen to be committed and to lie here, from where `from` ends on: known if all before them is. */
  extend(log: LogKey, registration: PartitionRegistration, from: LogState, items: readonly LogItem[]): void {
    const lineage = lineageOf(log, registration);
    const held = this.#held.get(lineage)?.state;
    if (items.length > 0 && held?.logEndOffset === from.logEndOffset) this.#keep(lineage, items.reduce(fold, from));
  }

  #keep(lineage: Lineage, state: LogState): LogState {
    const known = this.#held.get(lineage)?.state;
    const further = known !== undefined && known.logEndOffset > state.logEndOffset ? known : state;
    this.#held.delete(lineage);
    this.#held.set(lineage, { state: further, at: this.#parts.clock.now() });
    const [oldest] = this.#held.keys();
    if (this.#held.size > MAX_LOGS && oldest !== undefined) this.#held.delete(oldest);
    return further;
  }
}
