import type { GroupConfig } from "../group/group-config.ts";
import type { GroupStore } from "../group/group-store.ts";
import type { LogStore } from "../log/log-store.ts";
import type { SegmentRegistry } from "../log/segment-registry.ts";
import type { SegmentStore } from "../log/segment-store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { Random } from "../runtime/random.ts";
import type { AppendHandOff, AsyncInvocation } from "./append-hand-off.ts";
import type { Background } from "./background.ts";
import type { ColdLog } from "./cold/cold-log.ts";
import type { CommittedOffsets } from "./committed-offsets.ts";
import type { InstanceStore } from "./consumers/instance-store.ts";
import type { GroupHomes } from "./groups/group-home.ts";
import type { LogBell } from "./log-bell.ts";
import type { LogEnds } from "./log-ends.ts";
import type { MetadataStore } from "./metadata-store.ts";
import type { PartitionWriters } from "./partition-writers.ts";
import type { ReplicaStores } from "./replica-stores.ts";
import type { StickyPartitions } from "./sticky-partitions.ts";
import type { UpkeepBell } from "./tiering/upkeep-bell.ts";
import type { TopicCache } from "./topic-cache.ts";

/**
 * Offsets in the body of a commit: Confluent takes the last record processed, commits the next one and answers 200 with a list; Strimzi's
 * Kafka Bridge commits what it is given and answers 204.
 */
export type ConsumerDialect = "confluent" | "strimzi";

/** What a broker is made of. A composition root brings it; the simulation brings its own. */
export interface BrokerParts {
  readonly logStore: LogStore;
  readonly segmentStore: SegmentStore;
  readonly metadataStore: MetadataStore;
  /** Where segments are registered, the same for every region. Absent: all is hot for good, nothing is retained or tiered. */
  readonly segmentRegistry?: SegmentRegistry;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** This region's group table. Absent: nobody asks this process for a group. */
  readonly groupStore?: GroupStore;
  /** The REST consumer instances of this region's groups. Absent: nobody asks this process for one. */
  readonly instanceStore?: InstanceStore;
  /** Whose REST Proxy consumer instances behave like where the two differ: "confluent" unless told. */
  readonly consumerDialect?: ConsumerDialect;
  /** DEFAULT_GROUP_CONFIG unless told. */
  readonly groupConfig?: GroupConfig;
  /** The stores of every region, by broker id; `logStore`, `segmentStore`, `groupStore` and `instanceStore` are this process's own. Absent with one region. */
  readonly replicas?: ReadonlyMap<number, ReplicaStores>;
  /** Which of them are this process's own: what it may read of a log there, it reads there. Absent: it asks the leader alone. */
  readonly brokerId?: number;
  /**
   * How long a region counts as alive without a word from it, in milliseconds: what was read of a partition so long ago is nothing
   * to append to its leader by. Absent with one region.
   */
  readonly leaseMs?: number;
  /** Where the process stops with its answer: what runs another one. Absent: what is begun behind an answer is ended here. */
  readonly asyncInvocation?: AsyncInvocation;
  /** Where no process runs that keeps logs: what runs the upkeep of those that a region leads, by its broker id. Absent: it comes by itself. */
  readonly upkeepInvocations?: ReadonlyMap<number, AsyncInvocation>;
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
  readonly writers: Pick<PartitionWriters, "of" | "knownLogEndOffset">;
  readonly logEnds: LogEnds;
  readonly committed: CommittedOffsets;
  /** What it knows of the cold parts of logs, and has read of them. */
  readonly cold: ColdLog;
  readonly sticky: StickyPartitions;
  readonly bell: LogBell;
  readonly background: Background;
  readonly upkeepBell: UpkeepBell;
  readonly handOff: Pick<AppendHandOff, "take">;
  readonly groupHomes: GroupHomes;
}
