import type { LogStore } from "../log/log-store.ts";
import type { SegmentStore } from "../log/segment-store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Random } from "../runtime/random.ts";
import type { Background } from "./background.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import type { LogBell } from "./log-bell.ts";
import type { LogEnds } from "./log-ends.ts";
import type { MetadataStore } from "./metadata-store.ts";
import type { PartitionWriters } from "./partition-writers.ts";
import type { ReplicaStores } from "./replica-stores.ts";
import type { StickyPartitions } from "./sticky-partitions.ts";
import type { TopicCache } from "./topic-cache.ts";

/** What a broker is made of. A composition root brings it; the simulation brings its own. */
export interface BrokerParts {
  readonly logStore: LogStore;
  readonly segmentStore: SegmentStore;
  readonly metadataStore: MetadataStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The stores of every region, by broker id; `logStore` and `segmentStore` are this process's own. Absent with one region. */
  readonly replicas?: ReadonlyMap<number, ReplicaStores>;
  /** The regions of the deployment in order: broker id 1 is the first. */
  readonly regions: readonly string[];
  /** Items between checkpoints; CHECKPOINT_ITEMS unless told. */
  readonly checkpointEveryItems?: number;
}

/**
 * One process acting for the cluster: the stores, and what this process remembers of them. All of it is a cache: any
 * process can answer any request, and one that is killed loses nothing that was acknowledged.
 */
export interface Broker extends BrokerParts {
  readonly topics: TopicCache;
  readonly writers: PartitionWriters;
  readonly logEnds: LogEnds;
  readonly committed: CommittedOffsets;
  readonly sticky: StickyPartitions;
  readonly bell: LogBell;
  readonly background: Background;
}
