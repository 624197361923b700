import type { Broker } from "../broker.ts";
import { untilKnown } from "../until-known.ts";

/** A home never moves: what a process has read of it holds. */
const MAX_HOMES = 10_000;

/** Homes that this process knows of, by group; the one read longest ago is forgotten first. */
export class GroupHomes {
  readonly #homes = new Map<string, number>();

  get(groupId: string): number | undefined {
    return this.#homes.get(groupId);
  }

  set(groupId: string, brokerId: number): void {
    this.#homes.delete(groupId);
    this.#homes.set(groupId, brokerId);
    const [oldest] = this.#homes.keys();
    if (this.#homes.size > MAX_HOMES && oldest !== undefined) this.#homes.delete(oldest);
  }
}

/**
 * The region that a group has its home in: the one in which it was first begun, as the metadata say (ADR 8). With one region nobody asks. A group
 * that has no home yet is looked for in this region, and found nowhere. Errors: KafkaError of the metadata store.
 */
export async function homeOf(broker: Broker, groupId: string, begins: boolean): Promise<number> {
  const { metadataStore, groupHomes, brokerId: own = 1 } = broker;
  if (broker.replicas === undefined) return own;
  const known = groupHomes.get(groupId);
  if (known !== undefined) return known;
  const home = await (begins
    ? untilKnown(broker, "giving the group a home", () => metadataStore.groupHome(groupId, own))
    : untilKnown(broker, "reading the group's home", () => metadataStore.groupHome(groupId)));
  if (home === undefined) return own;
  groupHomes.set(groupId, home);
  return home;
}
