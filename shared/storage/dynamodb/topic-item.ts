/** A topic: one item a topic under its name; changed by compare-and-set on `version`, removed with the topic. */
import type { TopicItem } from "../../broker/metadata-store.ts";
import { type Attributes, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

export const TOPIC_KIND = "topic";

export function topicKey(name: string): Attributes {
  return metadataKey(TOPIC_KIND, name);
}

export function topicToAttributes(topic: TopicItem): Attributes {
  return {
    ...topicKey(topic.name),
    topicId: { S: topic.topicId },
    version: { N: String(topic.version) },
    value: { S: JSON.stringify(topic) },
  };
}

export function attributesToTopic(attributes: Attributes): TopicItem {
  return JSON.parse(stringOf(attributes, "value")) as TopicItem;
}
