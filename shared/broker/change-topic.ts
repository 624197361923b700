import { ok, type Result, refused } from "../kafka/result.ts";
import type { Broker } from "./broker.ts";
import { unknownTopic } from "./locate-partition.ts";
import type { TopicItem } from "./metadata-store.ts";
import { readTopic } from "./read-topic.ts";
import { untilKnown } from "./until-known.ts";

const MAX_ATTEMPTS = 10;
const BACKOFF_MS = 20;

/**
 * Changes a topic's item by compare-and-set: `change` is asked again with the newest item when somebody else changed it
 * in between. A refusal, or the item unchanged, ends it. Errors: UNKNOWN_TOPIC_OR_PARTITION, REQUEST_TIMED_OUT.
 */
export async function changeTopic(
  broker: Broker,
  name: string,
  change: (item: TopicItem) => Result<TopicItem> | Promise<Result<TopicItem>>,
): Promise<Result<TopicItem>> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const item = await readTopic(broker, name);
    if (item === undefined) return unknownTopic(name);
    const changed = await change(item);
    if (!changed.ok || changed.value === item) return changed;
    const next = { ...changed.value, version: item.version + 1 };
    if (await untilKnown(broker, "changing the topic", () => broker.metadataStore.updateTopic(next))) {
      broker.topics.invalidate(name);
      return ok(next);
    }
    await broker.clock.sleep(broker.random.next() * BACKOFF_MS * attempt);
  }
  return refused("REQUEST_TIMED_OUT", `topic "${name}" is being changed by others`, "try again");
}
