import { type TopicConfigValues, topicConfigValues } from "../kafka/topic-config-values.ts";
import type { BrokerParts } from "./broker.ts";
import type { PartitionRegistration, TopicItem } from "./metadata-store.ts";
import { readTopic } from "./read-topic.ts";
import { untilKnown } from "./until-known.ts";

/** A topic with its registrations, from one read of the metadata. */
export interface CachedTopic {
  readonly item: TopicItem;
  readonly config: TopicConfigValues;
  /** By partition. */
  readonly partitions: readonly PartitionRegistration[];
  /** When the partitions' read began, in milliseconds since the epoch. */
  readonly readAt: number;
}

/** A change made by another process is seen after at most so long. */
export const TOPIC_CACHE_MS = 5_000;

const MAX_TOPICS = 5_000;

interface Entry {
  readonly topic: Promise<CachedTopic | undefined>;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

/**
 * Topics by name, as this process read them at most TOPIC_CACHE_MS ago, and half a lease: a region that cannot read the metadata
 * does not act as a leader for long. That one does not exist is never remembered.
 */
export class TopicCache {
  readonly #parts: BrokerParts;
  readonly #cacheMs: number;
  /** The one read longest ago first. */
  readonly #entries = new Map<string, Entry>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#cacheMs = Math.min(TOPIC_CACHE_MS, (parts.leaseMs ?? Number.POSITIVE_INFINITY) / 2);
  }

  /** Requests that come while a topic is being read share that read. */
  get(name: string): Promise<CachedTopic | undefined> {
    const entry = this.#entries.get(name);
    if (entry !== undefined && this.#parts.clock.now() - entry.readAt < this.#cacheMs) return entry.topic;
    return this.refresh(name);
  }

  refresh(name: string): Promise<CachedTopic | undefined> {
    const entry: Entry = { topic: this.#read(name), readAt: this.#parts.clock.now() };
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > MAX_TOPICS && oldest !== undefined) this.#entries.delete(oldest);
    const forget = () => {
      if (this.#entries.get(name) === entry) this.#entries.delete(name);
    };
    entry.topic.then((topic) => topic ?? forget(), forget);
    return entry.topic;
  }

  invalidate(name: string): void {
    this.#entries.delete(name);
  }

  async #read(name: string): Promise<CachedTopic | undefined> {
    const { metadataStore } = this.#parts;
    const item = await readTopic(this.#parts, name);
    if (item === undefined) return undefined;
    const { topicId, configs, partitionCount } = item;
    let readAt = 0;
    const read = () => {
      readAt = this.#parts.clock.now();
      return metadataStore.getPartitions(topicId);
    };
    const partitions = await untilKnown(this.#parts, "reading partitions", read);
    // Registrations are written before the topic says how many there are: what is beyond that is not visible yet.
    return { item, config: topicConfigValues(configs), partitions: partitions.slice(0, partitionCount), readAt };
  }
}
