import { AppendHandOff } from "./append-hand-off.ts";
import type { Broker, BrokerParts } from "./broker.ts";
import { openReadingBroker } from "./open-reading-broker.ts";
import { PartitionWriters } from "./partition-writers.ts";

/** A broker over the given stores. Opens nothing and reads nothing until it is used. */
export function openBroker(given: BrokerParts): Broker {
  return openReadingBroker(given, (parts, { bell, cold, upkeepBell }) => ({
    writers: new PartitionWriters(parts, bell, cold.tiering, upkeepBell),
    handOff: new AppendHandOff(parts),
  }));
}
