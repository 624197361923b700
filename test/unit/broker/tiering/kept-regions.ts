import type { Broker } from "../../../../shared/broker/broker.ts";
import { shrinkInSyncReplicas } from "../../../../shared/broker/change-in-sync-replicas.ts";
import { createTopic } from "../../../../shared/broker/create-topic.ts";
import { electLeader } from "../../../../shared/broker/elect-leader.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { logKey } from "../../../../shared/log/log-item.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { MemorySegmentRegistry } from "../../../../shared/storage/memory/memory-segment-registry.ts";
import { produce } from "../../../fixtures/broker.ts";
import { Regions } from "../../../fixtures/regions.ts";
import { HOUR_MS, MINUTE_MS, numbered } from "./kept-logs.ts";

/** Three regions whose logs are kept. */
export class KeptRegions extends Regions {
  readonly clock: Clock;
  readonly segmentRegistry: MemorySegmentRegistry;
  topicId = "";

  constructor(clock: Clock, segmentRegistry = new MemorySegmentRegistry()) {
    super({ clock, segmentRegistry });
    this.clock = clock;
    this.segmentRegistry = segmentRegistry;
  }

  /** One more process in a region. */
  process(id: number): Broker {
    return this.open(id, { clock: this.clock, segmentRegistry: this.segmentRegistry });
  }

  async create(configs: Record<string, string>): Promise<void> {
    const created = await createTopic(this.broker(1), { name: "t", partitionCount: 1, replicationFactor: 3, configs });
    if (!created.ok) throw new Error(created.refusal.message);
    this.topicId = created.value.topicId;
    await this.keep();
  }

  async append(values: readonly string[], id = 1, acks: 1 | -1 = -1): Promise<string[]> {
    const offsets: string[] = [];
    for (const value of values) offsets.push(...(await produce(this.broker(id), "t", [{ value }], { acks })));
    return offsets;
  }

  /** A region goes, and out of the in-sync set. */
  async lose(id: number, leader = 1): Promise<void> {
    this.region(id).isDown = true;
    await shrinkInSyncReplicas(this.broker(leader), await this.registration(this.topicId), id);
  }

  async elect(leader: number): Promise<void> {
    await electLeader(this.broker(leader), { topicId: this.topicId, partition: 0, leader });
  }

  /** A run in each region that is up. */
  async keep(): Promise<void> {
    for (const { id, isDown } of this.regions) {
      if (!isDown) await upkeepLogs(this.broker(id), { untilMs: this.clock.now() + 10 * MINUTE_MS });
    }
  }

  async pass(ms: number, everyMs = HOUR_MS): Promise<void> {
    for (let passed = 0; passed < ms; passed += everyMs) {
      await this.clock.sleep(everyMs);
      await this.keep();
    }
  }

  async expire(): Promise<void> {
    for (const { logStore } of this.regions) {
      await logStore.deleteExpiredItems(Math.floor(this.clock.now() / 1000), Number.MAX_SAFE_INTEGER);
    }
  }

  segments() {
    return this.segmentRegistry.listSegments(logKey(this.topicId, 0), { limit: 100 });
  }

  async stretches(): Promise<string[]> {
    return (await this.segments()).flatMap(({ state, baseOffset, content }) =>
      state === "COPY_SEGMENT_FINISHED" ? [`${baseOffset}-${content?.lastOffset}`] : [],
    );
  }

  /** Segments' `.log`s in each region's bucket. */
  async buckets(): Promise<number[]> {
    const lists = this.regions.map(({ segmentStore }) =>
      segmentStore.listObjects(`${this.topicId}/`, { maxKeys: 1000 }),
    );
    return (await Promise.all(lists)).map((objects) => objects.filter(({ key }) => key.endsWith(".log")).length);
  }
}

export const COLD = { "segment.ms": String(HOUR_MS), "local.retention.ms": String(HOUR_MS), "retention.ms": "-1" };
/** The barrier of epoch 0 takes offset 0. */
export const expected = (count: number) => numbered(count).map((value, index) => `${index + 1}=${value}`);
