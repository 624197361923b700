import { Background } from "./background.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import { LogBell } from "./log-bell.ts";
import { LogEnds } from "./log-ends.ts";
import { meteredStores } from "./metered-stores.ts";
import { PartitionWriters } from "./partition-writers.ts";
import { StickyPartitions } from "./sticky-partitions.ts";
import { TopicCache } from "./topic-cache.ts";

/** A broker over the given stores. Opens nothing and reads nothing until it is used. */
export function openBroker(given: BrokerParts): Broker {
  const parts = { ...given, ...meteredStores(given) };
  const bell = new LogBell();
  return {
    ...parts,
    topics: new TopicCache(parts),
    writers: new PartitionWriters(parts, bell),
    logEnds: new LogEnds(),
    committed: new CommittedOffsets(parts),
    sticky: new StickyPartitions(parts.random),
    bell,
    background: new Background(parts),
  };
}
