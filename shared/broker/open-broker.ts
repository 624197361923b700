import { AppendHandOff } from "./append-hand-off.ts";
import { Background } from "./background.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { ColdLog } from "./cold/cold-log.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import { GroupHomes } from "./groups/group-home.ts";
import { LogBell } from "./log-bell.ts";
import { LogEnds } from "./log-ends.ts";
import { meteredStores } from "./metered-stores.ts";
import { PartitionWriters } from "./partition-writers.ts";
import { StickyPartitions } from "./sticky-partitions.ts";
import { UpkeepBell } from "./tiering/upkeep-bell.ts";
import { TopicCache } from "./topic-cache.ts";

/** A broker over the given stores. Opens nothing and reads nothing until it is used. */
export function openBroker(given: BrokerParts): Broker {
  const parts = { ...given, ...meteredStores(given) };
  const bell = new LogBell();
  const cold = new ColdLog(parts);
  const background = new Background(parts);
  const upkeepBell = new UpkeepBell(parts, background);
  return {
    ...parts,
    topics: new TopicCache(parts),
    writers: new PartitionWriters(parts, bell, cold.tiering, upkeepBell),
    upkeepBell,
    logEnds: new LogEnds(),
    committed: new CommittedOffsets(parts),
    cold,
    sticky: new StickyPartitions(parts.random),
    bell,
    background,
    handOff: new AppendHandOff(parts),
    groupHomes: new GroupHomes(),
  };
}
