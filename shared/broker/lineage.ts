import type { LogKey } from "../log/log-item.ts";
import { lastUncleanEpoch } from "../log/unclean-election.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

/**
 * A log between two unclean elections: what is known of one lineage to be committed says nothing of the next. Names what a
 * process remembers.
 */
export type Lineage = `${LogKey}@${number}`;

export function lineageOf(log: LogKey, { uncleanElections }: PartitionRegistration): Lineage {
  return `${log}@${lastUncleanEpoch(uncleanElections)}`;
}
