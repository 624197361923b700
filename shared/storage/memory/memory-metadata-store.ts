import type { DeletedTopic, MetadataStore, PartitionRegistration, TopicItem } from "../../broker/metadata-store.ts";

/**
 * A metadata table in memory, for the simulation and tests. Linearizable, without timers. As in DynamoDB, a change that
 * is there already is one's own, sent again.
 */
export class MemoryMetadataStore implements MetadataStore {
  #clusterId: string | undefined;
  #nextProducerId = 0;
  readonly #leases = new Map<number, number>();
  readonly #topics = new Map<string, TopicItem>();
  readonly #partitions = new Map<string, Map<number, PartitionRegistration>>();
  readonly #deleted = new Map<string, DeletedTopic>();
  readonly #groupHomes = new Map<string, number>();

  async clusterId(candidate: string): Promise<string> {
    this.#clusterId ??= candidate;
    return this.#clusterId;
  }

  async getTopic(name: string): Promise<TopicItem | undefined> {
    return structuredClone(this.#topics.get(name));
  }

  async listTopics({ limit, after }: { limit: number; after?: string }): Promise<TopicItem[]> {
    const names = [...this.#topics.keys()].filter((name) => after === undefined || name > after).sort();
    return names.slice(0, limit).map((name) => structuredClone(this.#topics.get(name)!));
  }

  async createTopic(topic: TopicItem): Promise<boolean> {
    const present = this.#topics.get(topic.name);
    if (present !== undefined) return present.topicId === topic.topicId;
    this.#topics.set(topic.name, structuredClone(topic));
    return true;
  }

  async updateTopic(topic: TopicItem): Promise<boolean> {
    const present = this.#topics.get(topic.name);
    if (JSON.stringify(present) === JSON.stringify(topic)) return true;
    if (present?.topicId !== topic.topicId || present.version !== topic.version - 1) return false;
    this.#topics.set(topic.name, structuredClone(topic));
    return true;
  }

  async deleteTopic(name: string, topicId: string): Promise<boolean> {
    return this.#topics.get(name)?.topicId === topicId && this.#topics.delete(name);
  }

  async getPartitions(topicId: string): Promise<PartitionRegistration[]> {
    const registrations = [...(this.#partitions.get(topicId)?.values() ?? [])];
    return structuredClone(registrations.sort((one, other) => one.partition - other.partition));
  }

  async createPartitions(registrations: readonly PartitionRegistration[]): Promise<void> {
    for (const registration of registrations) {
      const partitions = this.#partitions.get(registration.topicId) ?? new Map();
      this.#partitions.set(registration.topicId, partitions);
      if (!partitions.has(registration.partition))
        partitions.set(registration.partition, structuredClone(registration));
    }
  }

  async updatePartition(registration: PartitionRegistration): Promise<boolean> {
    const partitions = this.#partitions.get(registration.topicId);
    const present = partitions?.get(registration.partition);
    if (JSON.stringify(present) === JSON.stringify(registration)) return true;
    if (present?.partitionEpoch !== registration.partitionEpoch - 1) return false;
    partitions?.set(registration.partition, structuredClone(registration));
    return true;
  }

  async deletePartitions(topicId: string): Promise<void> {
    this.#partitions.delete(topicId);
  }

  async putLease(brokerId: number, expiresAt: number): Promise<void> {
    this.#leases.set(brokerId, expiresAt);
  }

  async getLeases(): Promise<ReadonlyMap<number, number>> {
    return new Map(this.#leases);
  }

  async putDeletedTopic(topic: DeletedTopic): Promise<void> {
    this.#deleted.set(topic.topicId, structuredClone(topic));
  }

  async listDeletedTopics(limit: number): Promise<DeletedTopic[]> {
    return structuredClone([...this.#deleted.values()].slice(0, limit));
  }

  async removeDeletedTopic(topicId: string): Promise<void> {
    this.#deleted.delete(topicId);
  }

  groupHome(groupId: string, candidate: number): Promise<number>;
  groupHome(groupId: string): Promise<number | undefined>;
  async groupHome(groupId: string, candidate?: number): Promise<number | undefined> {
    const home = this.#groupHomes.get(groupId) ?? candidate;
    if (home !== undefined) this.#groupHomes.set(groupId, home);
    return home;
  }

  async nextProducerId(): Promise<number> {
    return this.#nextProducerId++;
  }
}
