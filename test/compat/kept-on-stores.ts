import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Broker } from "../../shared/broker/broker.ts";
import { createTopic } from "../../shared/broker/create-topic.ts";
import { fetch } from "../../shared/broker/fetch.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import { type Upkeep, upkeepLogs } from "../../shared/broker/tiering/upkeep.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { logKey } from "../../shared/log/log-item.ts";
import { coveringSegments } from "../../shared/log/segment/covering-segments.ts";
import { splitIndexes } from "../../shared/log/segment/segment-indexes.ts";
import { segmentKeys } from "../../shared/log/segment/segment-keys.ts";
import type { FinishedSegment, SegmentMetadata } from "../../shared/log/segment/segment-metadata.ts";
import type { SegmentStore } from "../../shared/log/segment-store.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { DynamoDbLogStore } from "../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { createTables } from "../../shared/storage/dynamodb/tables.ts";
import { memoryParts } from "../fixtures/broker.ts";
import { ledByFirst } from "../fixtures/led-by-first.ts";
import { RecordedMetrics } from "../fixtures/recorded-metrics.ts";
import type { SegmentFiles } from "./dump-log-segments.ts";

const REGIONS = ["us-east-1", "us-east-2", "us-west-2"];
const tablesOf = (id: number) => ({ log: `kept-log-${id}`, metadata: "kept-metadata" });

/** A segment as it lies in a bucket. */
export interface KeptSegment extends SegmentFiles {
  readonly metadata: FinishedSegment;
  readonly itemObjects: readonly string[];
}

/** Three regions on a real store of tables and on buckets of one's own, whose logs the upkeep keeps, in a time that can be put on. */
export class KeptOnStores {
  readonly metrics = new RecordedMetrics();
  readonly #stores: ReadonlyMap<number, ReplicaStores>;
  readonly #client: DynamoDBClient;
  readonly #brokers = new Map<number, Broker>();
  #aheadMs = 0;

  /** `buckets`: those of brokers 1, 2 and 3. */
  private constructor(client: DynamoDBClient, buckets: readonly SegmentStore[]) {
    this.#client = client;
    this.#stores = new Map(
      buckets.map((segmentStore, index) => [
        index + 1,
        { segmentStore, logStore: new DynamoDbLogStore(client, tablesOf(index + 1).log) },
      ]),
    );
  }

  static async start(client: DynamoDBClient, buckets: readonly SegmentStore[]): Promise<KeptOnStores> {
    const world = new KeptOnStores(client, buckets);
    for (const id of world.#stores.keys()) await createTables(client, tablesOf(id));
    return world;
  }

  now(): number {
    return systemClock.now() + this.#aheadMs;
  }

  /** Processes with these ids know nothing any more. */
  forget(): void {
    this.#brokers.clear();
  }

  broker(id: number): Broker {
    const known = this.#brokers.get(id);
    if (known !== undefined) return known;
    const broker = openBroker({
      ...memoryParts(),
      ...this.#stores.get(id)!,
      replicas: this.#stores,
      brokerId: id,
      regions: REGIONS,
      metadataStore: new DynamoDbMetadataStore(this.#client, tablesOf(id).metadata),
      segmentRegistry: new DynamoDbSegmentRegistry(this.#client, tablesOf(id).metadata),
      clock: { now: () => this.now(), sleep: systemClock.sleep },
      metrics: this.metrics,
    });
    this.#brokers.set(id, broker);
    return broker;
  }

  /** A topic of one partition that broker 1 leads. */
  async create(name: string, configs: Record<string, string>, replicationFactor: number): Promise<string> {
    const created = await createTopic(this.broker(1), { name, partitionCount: 1, replicationFactor, configs });
    if (!created.ok) throw new Error(created.refusal.message);
    const { topicId } = created.value;
    await ledByFirst(this.broker(1).metadataStore, topicId);
    return topicId;
  }

  /** A run of the upkeep in each region, which must not fail. */
  async keep(): Promise<Upkeep[]> {
    const runs: Upkeep[] = [];
    for (const id of this.#stores.keys()) {
      const run = await upkeepLogs(this.broker(id), { untilMs: this.now() + 600_000 });
      if (run.failed + run.left > 0) throw new Error(`the upkeep failed: ${JSON.stringify(run)}`);
      runs.push(run);
    }
    return runs;
  }

  async pass(ms: number): Promise<Upkeep[]> {
    this.#aheadMs += ms;
    return this.keep();
  }

  /** What DynamoDB's TTL may do at once. */
  async expire(): Promise<number> {
    let deleted = 0;
    for (const { logStore } of this.#stores.values()) {
      deleted += await logStore.deleteExpiredItems(Math.floor(this.now() / 1000), 100_000);
    }
    return deleted;
  }

  /** The segments that a log is read from, as they lie in a broker's bucket. */
  async segments(topicId: string, id: number, logStartOffset: number): Promise<KeptSegment[]> {
    const { segmentStore } = this.#stores.get(id)!;
    const all = await this.registered(topicId);
    const files: KeptSegment[] = [];
    for (const { segment } of coveringSegments(all, logStartOffset)) {
      const { baseOffset, content } = segment;
      const keys = segmentKeys(segment);
      const [log, indexes] = await Promise.all([
        segmentStore.getObject(keys.log),
        segmentStore.getObject(keys.indexes),
      ]);
      const { itemObjects, ...beside } = splitIndexes(indexes!, content.indexSizes);
      files.push({ baseOffset, content, log: log!, indexes: beside, itemObjects, metadata: segment });
    }
    return files;
  }

  async registered(topicId: string): Promise<SegmentMetadata[]> {
    return this.broker(1).segmentRegistry!.listSegments(logKey(topicId, 0), { limit: 1_000 });
  }

  async registration(topicId: string) {
    return (await this.broker(1).metadataStore.getPartitions(topicId))[0]!;
  }

  /** Keys below a topic in each bucket. */
  async keys(topicId: string): Promise<string[][]> {
    const lists = [...this.#stores.values()].map(({ segmentStore }) =>
      segmentStore.listObjects(`${topicId}/`, { maxKeys: 1_000 }),
    );
    return (await Promise.all(lists)).map((objects) => objects.map(({ key }) => key));
  }

  /** All that a consumer is given from an offset on, batches byte for byte, and where what it read from items begins. */
  async fetchAll(topic: string, fromOffset: number, id: number) {
    const slices: Uint8Array[] = [];
    for (let offset = fromOffset; ; ) {
      const request = { topic, partition: 0, offset, maxBytes: 1 << 20, minBytes: 1, maxWaitMs: 0 };
      const fetched = await fetch(this.broker(id), request);
      if (!fetched.ok) throw new KafkaError(fetched.refusal.code, fetched.refusal.message);
      const { batches, nextOffset, highWatermark, localLogStartOffset } = fetched.value;
      slices.push(batches);
      if (nextOffset >= highWatermark) return { batches: Buffer.concat(slices), localLogStartOffset };
      offset = nextOffset;
    }
  }
}
