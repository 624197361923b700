import type { Broker, BrokerParts } from "../../../../shared/broker/broker.ts";
import type { PartitionRegistration } from "../../../../shared/broker/metadata-store.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { type Upkeep, upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { type LogItem, type LogKey, logKey } from "../../../../shared/log/log-item.ts";
import type { FinishedSegment, SegmentMetadata } from "../../../../shared/log/segment/segment-metadata.ts";
import type { TieringState } from "../../../../shared/log/segment/tiering-state.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemoryLogStore } from "../../../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentRegistry } from "../../../../shared/storage/memory/memory-segment-registry.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { memoryParts, produce, topicOf } from "../../../fixtures/broker.ts";
import { RecordedMetrics } from "../../../fixtures/recorded-metrics.ts";

export const MINUTE_MS = 60_000;
export const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;
const ALL = { maxItems: 1_000_000, maxBytes: Number.MAX_SAFE_INTEGER };

/** A broker in memory whose logs are kept, in time that passes only where somebody waits. */
export class KeptLogs {
  readonly clock: Clock;
  readonly logStore = new MemoryLogStore();
  readonly metadataStore = new MemoryMetadataStore();
  readonly segmentRegistry = new MemorySegmentRegistry();
  readonly segmentStore: MemorySegmentStore;
  readonly metrics = new RecordedMetrics();
  readonly broker: Broker;
  topicId = "";

  constructor(clock: Clock, change: Partial<BrokerParts> = {}) {
    this.clock = clock;
    this.segmentStore = new MemorySegmentStore(() => clock.now());
    this.broker = this.open(change);
  }

  /** One more process: it knows nothing yet. */
  open(change: Partial<BrokerParts> = {}): Broker {
    const { clock, logStore, metadataStore, segmentRegistry, segmentStore, metrics } = this;
    const stores = { clock, logStore, metadataStore, segmentRegistry, segmentStore, metrics };
    return openBroker({ ...memoryParts(), ...stores, ...change });
  }

  get log(): LogKey {
    return logKey(this.topicId, 0);
  }

  async create(configs: Record<string, string> = {}, name = "t"): Promise<void> {
    this.topicId = await topicOf(this.broker, name, 1, configs);
  }

  /** Appends records of this time, an item each. */
  async append(values: readonly string[], broker = this.broker): Promise<string[]> {
    const offsets: string[] = [];
    for (const value of values) offsets.push(...(await produce(broker, "t", [{ value }])));
    return offsets;
  }

  keep(withinMs = 10 * MINUTE_MS, broker = this.broker): Promise<Upkeep> {
    return upkeepLogs(broker, { untilMs: this.clock.now() + withinMs });
  }

  /** Lets time pass, with a run of the upkeep every so often. */
  async pass(ms: number, everyMs = HOUR_MS): Promise<void> {
    const until = this.clock.now() + ms;
    while (this.clock.now() < until) {
      await this.clock.sleep(Math.min(everyMs, until - this.clock.now()));
      await this.keep();
    }
  }

  /** What DynamoDB's TTL may do at once. */
  async expire(): Promise<number> {
    return this.logStore.deleteExpiredItems(Math.floor(this.clock.now() / 1000), Number.MAX_SAFE_INTEGER);
  }

  async hotItems(): Promise<readonly LogItem[]> {
    return (await this.logStore.readItems(this.log, 0, ALL)).items;
  }

  async hotOffsets(): Promise<number[]> {
    return (await this.hotItems()).map(({ baseOffset }) => baseOffset);
  }

  segments(): Promise<SegmentMetadata[]> {
    return this.segmentRegistry.listSegments(this.log, { limit: 1000 });
  }

  /** Stretches that are in segments, as `first-last`. */
  async stretches(): Promise<string[]> {
    const finished = (await this.segments()).filter(
      (segment): segment is FinishedSegment => segment.state === "COPY_SEGMENT_FINISHED",
    );
    return finished.map(({ baseOffset, content }) => `${baseOffset}-${content.lastOffset}`);
  }

  async state(): Promise<TieringState> {
    return (await this.segmentRegistry.readTieringState(this.log))!;
  }

  async registration(): Promise<PartitionRegistration> {
    return (await this.metadataStore.getPartitions(this.topicId))[0]!;
  }

  async keys(): Promise<string[]> {
    const objects = await this.segmentStore.listObjects(`${this.topicId}/`, { maxKeys: 1000 });
    return objects.map(({ key }) => key.slice(this.topicId.length + 1));
  }
}

export function numbered(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, index) => `v${from + index}`);
}
