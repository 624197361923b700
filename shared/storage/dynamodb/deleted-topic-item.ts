/** A deleted topic: one item from its deletion until its log items are removed; never changed. */
import type { DeletedTopic } from "../../broker/metadata-store.ts";
import { type Attributes, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";
import { DELETED_TOPIC_KIND } from "./table-schema.ts";

export function deletedTopicKey(topicId: string): Attributes {
  return metadataKey(DELETED_TOPIC_KIND, topicId);
}

export function deletedTopicToAttributes(topic: DeletedTopic): Attributes {
  return { ...deletedTopicKey(topic.topicId), value: { S: JSON.stringify(topic) } };
}

export function attributesToDeletedTopic(attributes: Attributes): DeletedTopic {
  return JSON.parse(stringOf(attributes, "value")) as DeletedTopic;
}
