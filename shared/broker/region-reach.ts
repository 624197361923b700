import type { BrokerParts } from "./broker.ts";
import { expiredLeases } from "./keep-lease.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { regionAnswers } from "./region-answers.ts";

/**
 * Which regions are gone, as one process finds at one time: their lease has run out, and their table does not answer from here
 * either. Each is asked once: one that is silent must not hold up every partition.
 */
export class RegionReach {
  readonly #parts: BrokerParts;
  /** Brokers whose lease has run out. */
  readonly expired: ReadonlySet<number>;
  readonly #answers = new Map<number, Promise<boolean>>();

  private constructor(parts: BrokerParts, expired: ReadonlySet<number>) {
    this.#parts = parts;
    this.expired = expired;
  }

  /** Errors: what the metadata fail with. */
  static async look(parts: BrokerParts): Promise<RegionReach> {
    return new RegionReach(parts, await expiredLeases(parts));
  }

  /** Whether a replica of a partition is gone: what a region is found to be holds for all that it has. */
  async isGone(_registration: PartitionRegistration, brokerId: number): Promise<boolean> {
    return this.expired.has(brokerId) && !(await this.isAnswering(brokerId));
  }

  /** All that are gone, but for `except`. */
  async gone(except: number): Promise<readonly number[]> {
    const others = [...this.expired].filter((id) => id !== except && this.#parts.replicas?.has(id)).toSorted();
    const answers = await Promise.all(others.map((id) => this.isAnswering(id)));
    return others.filter((_, index) => !answers[index]);
  }

  /** Whether the region's table answers from here, whatever its lease says. */
  isAnswering(brokerId: number): Promise<boolean> {
    const answer = this.#answers.get(brokerId) ?? regionAnswers(this.#parts, brokerId);
    this.#answers.set(brokerId, answer);
    return answer;
  }
}
