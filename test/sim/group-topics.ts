import type { Broker } from "../../shared/broker/broker.ts";
import { createPartitions } from "../../shared/broker/create-partitions.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { deleteTopic } from "../../shared/broker/delete-topic.ts";
import { describeTopic } from "../../shared/broker/describe-topic.ts";

/** The topics of a simulation: those that there are, and those that there were. A topic that was made anew has another id. */
export class GroupTopics {
  /** One whose stores do not fail. */
  readonly #broker: Broker;
  /** By id, whether they exist or not. */
  readonly #names = new Map<string, string>();
  /** By name, of those that exist. */
  readonly #ids = new Map<string, string>();

  constructor(broker: Broker) {
    this.#broker = broker;
  }

  get names(): readonly string[] {
    return [...this.#ids.keys()];
  }

  nameOf(topicId: string): string {
    return this.#names.get(topicId)!;
  }

  idOf(name: string): string | undefined {
    return this.#ids.get(name);
  }

  exists(topicId: string): boolean {
    return this.#ids.get(this.nameOf(topicId)) === topicId;
  }

  async partitionCount(name: string): Promise<number> {
    const described = await describeTopic(this.#broker, name);
    return described.ok ? described.value.partitions.length : 0;
  }

  async create(name: string, partitionCount: number): Promise<void> {
    const created = await createTopic(this.#broker, { name, partitionCount, replicationFactor: 1, configs: {} });
    if (!created.ok) throw new Error(created.refusal.message);
    this.#names.set(created.value.topicId, name);
    this.#ids.set(name, created.value.topicId);
  }

  async grow(name: string, by: number): Promise<void> {
    const totalCount = (await this.partitionCount(name)) + by;
    const grown = await createPartitions(this.#broker, { topic: name, totalCount });
    if (!grown.ok) throw new Error(grown.refusal.message);
  }

  /** What is asked of it from the moment on that this begins may be refused. */
  async delete(name: string): Promise<void> {
    this.#ids.delete(name);
    const deleted = await deleteTopic(this.#broker, name);
    if (!deleted.ok) throw new Error(deleted.refusal.message);
  }
}
