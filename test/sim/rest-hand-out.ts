import type { FetchedPartition } from "../../shared/broker/groups/fetch-partitions.ts";
import type { NamedPartition } from "../../shared/broker/groups/named-partitions.ts";

/** All of what was found; a partition that comes twice goes on where it was. */
export function handOut(found: readonly FetchedPartition[], memberEpoch: Promise<number>) {
  const ends = new Map<string, NamedPartition & { readonly offset: number }>();
  const all: FetchedPartition[] = [];
  for (const each of found) {
    const { position, fetched } = each;
    if (!fetched.ok || (ends.get(nameOf(position))?.offset ?? position.offset) !== position.offset) continue;
    all.push(each);
    ends.set(nameOf(position), { ...position, offset: fetched.value.nextOffset });
  }
  return { answer: { found: all, memberEpoch }, positions: [...ends.values()] };
}

export const nameOf = ({ topic, partition }: NamedPartition) => `${partition}#${topic}`;
