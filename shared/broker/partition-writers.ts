import type { LogKey } from "../log/log-item.ts";
import type { BrokerParts } from "./broker.ts";
import type { LogBell } from "./log-bell.ts";
import { PartitionWriter } from "./partition-writer.ts";

/** Views kept in one process; past it the one used longest ago goes, and its partition's next append reads the log again. */
const MAX_WRITERS = 10_000;

/** The writers of one process, one a partition: that is what makes group commit. */
export class PartitionWriters {
  readonly #parts: BrokerParts;
  readonly #bell: LogBell;
  /** The one used longest ago first. */
  readonly #writers = new Map<LogKey, PartitionWriter>();

  constructor(parts: BrokerParts, bell: LogBell) {
    this.#parts = parts;
    this.#bell = bell;
  }

  of(log: LogKey): PartitionWriter {
    const writer = this.#writers.get(log) ?? new PartitionWriter(this.#parts, this.#bell, log);
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
