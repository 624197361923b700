import { topicNameRefusal } from "../kafka/topic-name.ts";
import type { BrokerParts } from "./broker.ts";
import type { TopicItem } from "./metadata-store.ts";
import { untilKnown } from "./until-known.ts";

/**
 * A topic's item as it is now; undefined where there is none. A name that no topic can have is not asked for: as a key a store
 * would refuse some of them (empty, too long, half a surrogate pair), and that is not the store's failure.
 */
export async function readTopic(
  parts: Pick<BrokerParts, "clock" | "random" | "metadataStore">,
  name: string,
): Promise<TopicItem | undefined> {
  if (topicNameRefusal(name) !== undefined) return undefined;
  return untilKnown(parts, "reading the topic", () => parts.metadataStore.getTopic(name));
}
