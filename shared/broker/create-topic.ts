import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { MAX_PARTITIONS_PER_TOPIC, MAX_TOPICS } from "../kafka/limits.ts";
import { ok, type Result, refused } from "../kafka/result.ts";
import { namesCollide, topicNameRefusal } from "../kafka/topic-name.ts";
import { configRefusal, conflictRefusal } from "../kafka/validate-config.ts";
import type { Broker } from "./broker.ts";
import { listAllTopics } from "./list-topics.ts";
import type { TopicItem } from "./metadata-store.ts";
import { newRegistrations } from "./new-registrations.ts";
import { readTopic } from "./read-topic.ts";
import { describe, type TopicDescription } from "./topic-description.ts";
import { untilKnown } from "./until-known.ts";

export interface CreateTopicRequest {
  readonly name: string;
  /** 1 unless told. */
  readonly partitionCount?: number;
  /** The number of regions unless told, at most 3. */
  readonly replicationFactor?: number;
  /** null: the default. */
  readonly configs?: Readonly<Record<string, string | null>>;
  readonly validateOnly?: boolean;
}

/**
 * Creates a topic. The registrations are written before the topic item, whose conditional put makes it visible whole.
 * Errors: INVALID_TOPIC_EXCEPTION, TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_REPLICATION_FACTOR, INVALID_CONFIG,
 * POLICY_VIOLATION at the limit of topics.
 */
export async function createTopic(broker: Broker, request: CreateTopicRequest): Promise<Result<TopicDescription>> {
  const partitionCount = request.partitionCount ?? 1;
  const replicationFactor = request.replicationFactor ?? Math.min(3, broker.regions.length);
  const refusal = requestRefusal(broker, request, partitionCount, replicationFactor);
  if (refusal !== undefined) return { ok: false, refusal };
  if ((await readTopic(broker, request.name)) !== undefined) return alreadyExists(request.name);
  const topics = await listAllTopics(broker);
  const unwelcome = nameRefusal(request.name, topics);
  if (unwelcome !== undefined) return { ok: false, refusal: unwelcome };
  const item: TopicItem = {
    name: request.name,
    topicId: newTopicId(broker.random.bytes(16)),
    partitionCount,
    replicationFactor,
    configs: setConfigs(request.configs ?? {}),
    createdAt: broker.clock.now(),
    version: 0,
  };
  const brokerCount = broker.regions.length;
  const firstBroker = (topics.length % brokerCount) + 1;
  const { topicId } = item;
  const added = { topicId, from: 0, to: partitionCount, replicationFactor, brokerCount, firstBroker };
  const registrations = newRegistrations(added);
  if (request.validateOnly) return ok(describe(item, registrations));
  await untilKnown(broker, "creating partitions", () => broker.metadataStore.createPartitions(registrations));
  const isCreated = await untilKnown(broker, "creating the topic", () => broker.metadataStore.createTopic(item));
  if (isCreated) {
    broker.topics.invalidate(item.name);
    return ok(describe(item, registrations));
  }
  const clean = () => broker.metadataStore.deletePartitions(item.topicId, partitionCount);
  await untilKnown(broker, "removing partitions", clean).catch((error: unknown) => {
    broker.logger.warn("registrations of a topic that was not created are left", { topicId: item.topicId }, error);
  });
  return alreadyExists(request.name);
}

function requestRefusal(
  broker: Broker,
  { name, configs = {} }: CreateTopicRequest,
  partitionCount: number,
  replicationFactor: number,
): Refusal | undefined {
  const named = topicNameRefusal(name);
  if (named !== undefined) return named;
  if (!Number.isInteger(partitionCount) || partitionCount < 1 || partitionCount > MAX_PARTITIONS_PER_TOPIC) {
    return refuse(
      "INVALID_PARTITIONS",
      `a topic has 1 to ${MAX_PARTITIONS_PER_TOPIC} partitions, not ${partitionCount}`,
    );
  }
  const brokers = broker.regions.length;
  if (!Number.isInteger(replicationFactor) || replicationFactor < 1 || replicationFactor > brokers) {
    return refuse(
      "INVALID_REPLICATION_FACTOR",
      `replication factor ${replicationFactor} is not in 1 to ${brokers}`,
      "a broker is a region: a partition has at most one replica in each",
    );
  }
  for (const [config, value] of Object.entries(configs)) {
    const invalid = configRefusal(config, value);
    if (invalid !== undefined) return invalid;
  }
  return conflictRefusal(setConfigs(configs));
}

function nameRefusal(name: string, topics: readonly Pick<TopicItem, "name">[]): Refusal | undefined {
  if (topics.length >= MAX_TOPICS) return refuse("POLICY_VIOLATION", `a cluster has at most ${MAX_TOPICS} topics`);
  const other = topics.find((topic) => namesCollide(topic.name, name));
  if (other === undefined) return undefined;
  return refuse(
    "INVALID_TOPIC_EXCEPTION",
    `topic "${name}" collides with "${other.name}"`,
    "names that differ only in . and _ are one",
  );
}

function setConfigs(configs: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(Object.entries(configs).filter((entry): entry is [string, string] => entry[1] !== null));
}

function alreadyExists(name: string): ReturnType<typeof refused> {
  return refused("TOPIC_ALREADY_EXISTS", `topic "${name}" already exists`);
}

/** A random UUID (version 4). */
function newTopicId(random: Uint8Array): string {
  const bytes = Buffer.from(random);
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
