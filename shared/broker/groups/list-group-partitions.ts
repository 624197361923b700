import type { GroupPartition } from "../../group/group-store.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { type Coordinator, whileAvailable } from "./coordinate.ts";
import { byPartition, topicsByName } from "./named-partitions.ts";

const PAGE = 1_000;
const MAX_PARTITIONS = 100_000;
const TIMEOUT_MS = 5_000;

/** All partitions of a group, owned or with an offset, of topics that still exist, by topic and partition. */
export async function listGroupPartitions(
  broker: Broker,
  coordinator: Coordinator,
  groupId: string,
): Promise<GroupPartition[]> {
  const items = await whileAvailable(groupId, partitionItems(coordinator, groupId));
  const topics = await topicsByName(
    broker,
    items.map(({ topic }) => topic),
  );
  // A topic that was deleted, and perhaps made anew under its name, took its offsets with it.
  return items.filter(({ topic, topicId }) => topics.get(topic)?.item.topicId === topicId).sort(byPartition);
}

/** The items of all partitions that are owned or have an offset, by topicId and partition. */
export async function partitionItems({ groupStore, clock }: Coordinator, groupId: string): Promise<GroupPartition[]> {
  const items: GroupPartition[] = [];
  while (items.length < MAX_PARTITIONS) {
    const after = items.at(-1);
    const listing = groupStore.listPartitions(groupId, { limit: PAGE, ...(after === undefined ? {} : { after }) });
    const page = await withTimeout(clock, TIMEOUT_MS, "listing partitions", listing);
    items.push(...page);
    if (page.length < PAGE) break;
  }
  return items;
}
