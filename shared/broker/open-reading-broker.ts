import { Background } from "./background.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { ColdLog } from "./cold/cold-log.ts";
import { CommittedOffsets } from "./committed-offsets.ts";
import { GroupHomes } from "./groups/group-home.ts";
import { LogBell } from "./log-bell.ts";
import { LogEnds } from "./log-ends.ts";
import { meteredStores } from "./metered-stores.ts";
import { StickyPartitions } from "./sticky-partitions.ts";
import { UpkeepBell } from "./tiering/upkeep-bell.ts";
import { TopicCache } from "./topic-cache.ts";

/** What a broker appends by. */
export type Appends = Pick<Broker, "writers" | "handOff">;

/** Opens it; what the broker is made of anyway comes with it. */
export type OpenAppends = (parts: BrokerParts, shared: Pick<Broker, "bell" | "cold" | "upkeepBell">) => Appends;

/**
 * A broker that appends nothing unless it is told by what: a function that only reads has no writer in its bundle. Opens nothing and reads nothing
 * until it is used.
 */
export function openReadingBroker(given: BrokerParts, openAppends: OpenAppends = () => NO_APPENDS): Broker {
  const parts = { ...given, ...meteredStores(given) };
  const bell = new LogBell();
  const cold = new ColdLog(parts);
  const background = new Background(parts);
  const upkeepBell = new UpkeepBell(parts, background);
  return {
    ...parts,
    ...openAppends(parts, { bell, cold, upkeepBell }),
    topics: new TopicCache(parts),
    upkeepBell,
    logEnds: new LogEnds(),
    committed: new CommittedOffsets(parts),
    cold,
    sticky: new StickyPartitions(parts.random),
    bell,
    background,
    groupHomes: new GroupHomes(),
  };
}

/** Whoever routes an append here has composed the process wrongly. */
function refuse(): never {
  throw new TypeError("this broker was opened for reading");
}

const NO_APPENDS: Appends = {
  writers: { of: refuse, knownLogEndOffset: () => undefined },
  handOff: { take: async () => refuse() },
};
