/**
 * The metadata table: `kind` says what sort of item it is, `name` which one. Each kind has a file of its own:
 * cluster-item, topic-item, partition-registration-item, deleted-topic-item, group-home-item, producer-id-item. Only keys and what
 * conditions judge are attributes; the rest is JSON in `value`.
 */
import type { Attributes } from "./attributes.ts";

export function metadataKey(kind: string, name: string): Attributes {
  return { kind: { S: kind }, name: { S: name } };
}
