import { KafkaError } from "../../kafka/kafka-error.ts";
import { initialTieringState, type TieringState } from "../../log/segment/tiering-state.ts";
import { untilKnown } from "../until-known.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

const MAX_ATTEMPTS = 10;

export function readTieringState(broker: UpkeepBroker, { log }: Pick<UpkeepLog, "log">) {
  return untilKnown(broker, "reading a tiering state", () => broker.segmentRegistry.readTieringState(log));
}

/**
 * Changes a partition's tiering state by compare-and-set: reads, asks, writes, and asks again where another run was faster. The first
 * change makes it. `change` answers the same state if there is nothing to change. Answers the state as it is then. Errors: KafkaError
 * of the store, or REQUEST_TIMED_OUT.
 */
export async function changeTieringState(
  broker: UpkeepBroker,
  of: UpkeepLog,
  change: (state: TieringState) => TieringState,
): Promise<TieringState> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const found = await readTieringState(broker, of);
    const current = found ?? initialTieringState(of.log, of.registration.logStartOffset, broker.clock.now());
    const changed = change(current);
    if (found !== undefined && changed === current) return current;
    const next = { ...changed, version: found === undefined ? 1 : current.version + 1 };
    const write = () => broker.segmentRegistry.writeTieringState(next);
    if (await untilKnown(broker, "writing a tiering state", write)) return next;
  }
  throw new KafkaError("REQUEST_TIMED_OUT", `others kept changing the tiering state of ${of.log}`, {
    hint: "try again",
  });
}
