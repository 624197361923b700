import type { LogKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import type { TieringStates } from "./cold/tiering-states.ts";
import type { LogBell } from "./log-bell.ts";
import { PartitionWriter } from "./partition-writer.ts";
import { SilentLeaders } from "./silent-leaders.ts";
import { ItemExpiry } from "./tiering/item-expiry.ts";
import type { UpkeepBell } from "./tiering/upkeep-bell.ts";

/** Views kept in one process; past it the one used longest ago goes, and its partition's next append reads the log again. */
const MAX_WRITERS = 10_000;

/** The writers of one process, one a partition: that is what makes group commit. */
export class PartitionWriters {
  readonly #parts: BrokerParts;
  readonly #bell: LogBell;
  readonly #silentLeaders: SilentLeaders;
  readonly #tiering: TieringStates;
  readonly #upkeepBell: UpkeepBell;
  /** The one used longest ago first. */
  readonly #writers = new Map<LogKey, PartitionWriter>();

  constructor(parts: BrokerParts, bell: LogBell, tiering: TieringStates, upkeepBell: UpkeepBell) {
    this.#parts = parts;
    this.#bell = bell;
    this.#silentLeaders = new SilentLeaders(parts);
    this.#tiering = tiering;
    this.#upkeepBell = upkeepBell;
  }

  of(log: LogKey): PartitionWriter {
    let writer = this.#writers.get(log);
    // One that was left with a leader that is gone may hang for as long as that one's table does.
    if (writer === undefined || writer.isAbandoned) {
      const expiry = new ItemExpiry(this.#parts, log, this.#tiering, this.#upkeepBell);
      writer = new PartitionWriter(this.#parts, this.#bell, this.#silentLeaders, expiry, log);
    }
    this.#writers.delete(log);
    this.#writers.set(log, writer);
    if (this.#writers.size > MAX_WRITERS) this.#dropOldestIdle();
    return writer;
  }

  /** logEndOffset as last seen by the writer of this process, if it has one. */
  knownLogEndOffset(log: LogKey): number | undefined {
    return this.#writers.get(log)?.knownLogEndOffset;
  }

  #dropOldestIdle(): void {
    for (const [log, writer] of this.#writers) {
      if (!writer.isIdle) continue;
      this.#writers.delete(log);
      return;
    }
  }
}
