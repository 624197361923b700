import { KafkaError } from "../../kafka/kafka-error.ts";
import { initialTieringState, inLineage, type TieringState } from "../../log/segment/tiering-state.ts";
import { fencedBy } from "../log-view.ts";
import { isReplicated } from "../partition-view.ts";
import { untilKnown } from "../until-known.ts";
import type { UpkeepBroker, UpkeepLog } from "./upkeep-log.ts";

const MAX_ATTEMPTS = 10;

export function readTieringState(broker: UpkeepBroker, { log }: Pick<UpkeepLog, "log">) {
  return untilKnown(broker, "reading a tiering state", () => broker.segmentRegistry.readTieringState(log));
}

/**
 * Changes a partition's tiering state by compare-and-set: reads, asks, writes, and asks again where another run was faster. The first
 * change makes it. `change` answers the same state if there is nothing to change. Answers the state as it is then, and as unclean elections have
 * left it. Errors: KafkaError of the store, REQUEST_TIMED_OUT, or FENCED_LEADER_EPOCH where a later epoch's upkeep was here.
 */
export async function changeTieringState(
  broker: UpkeepBroker,
  of: UpkeepLog,
  change: (state: TieringState) => TieringState,
): Promise<TieringState> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const found = await readTieringState(broker, of);
    const { leaderEpoch, uncleanElections } = of.registration;
    const { committedIn = leaderEpoch } = found ?? {};
    if (committedIn > leaderEpoch) throw fencedBy(of.log, leaderEpoch, committedIn);
    const known = found && inLineage(found, uncleanElections);
    const current = known ?? initialTieringState(of.log, of.registration.logStartOffset, broker.clock.now());
    const changed = change(current);
    if (found !== undefined && changed === current) return current;
    const written = isReplicated(of.registration) ? { ...changed, committedIn: leaderEpoch } : changed;
    const next = { ...written, version: found === undefined ? 1 : current.version + 1 };
    const write = () => broker.segmentRegistry.writeTieringState(next);
    if (await untilKnown(broker, "writing a tiering state", write)) return next;
  }
  throw new KafkaError("REQUEST_TIMED_OUT", `others kept changing the tiering state of ${of.log}`, {
    hint: "try again",
  });
}
