import { ok, type Result, refused } from "../kafka/result.ts";
import { epochEnd } from "../log/leader-epochs.ts";
import { logKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { followLeader } from "./follow-leader.ts";
import { locatePartition } from "./locate-partition.ts";
import { isReplicated } from "./partition-view.ts";
import { logEndOffsetOf } from "./read-log.ts";

export interface EpochEndOffset {
  /** The largest epoch with records that is not above the one asked for. */
  readonly leaderEpoch: number;
  /** Where it ends: the next epoch's first offset, or the highWatermark in the newest. */
  readonly endOffset: number;
}

/**
 * Where an epoch ends: Kafka's OffsetsForLeaderEpoch for one partition, by which a consumer finds out whether what it read is
 * still in the log (KIP-320). Errors: UNKNOWN_LEADER_EPOCH for one that has not begun or is no longer known.
 */
export function offsetsForLeaderEpoch(
  broker: Broker,
  request: { readonly topic: string; readonly partition: number; readonly leaderEpoch: number },
): Promise<Result<EpochEndOffset>> {
  return followLeader(broker, request.topic, async () => {
    const located = await locatePartition(broker, request.topic, request.partition);
    if (!located.ok) return located;
    const { topic, registration } = located.value;
    const log = logKey(topic.item.topicId, request.partition);
    if (request.leaderEpoch > registration.leaderEpoch) return unknown(request.leaderEpoch, registration.leaderEpoch);
    if (!isReplicated(registration)) {
      const endOffset = await logEndOffsetOf(broker, log, registration.logStartOffset);
      return ok({ leaderEpoch: registration.leaderEpoch, endOffset });
    }
    const { committed } = await broker.committed.look(log, registration);
    const found = epochEnd(committed.epochs, request.leaderEpoch, committed.logEndOffset);
    return found === undefined ? unknown(request.leaderEpoch, registration.leaderEpoch) : ok(found);
  });
}

function unknown(asked: number, current: number): ReturnType<typeof refused> {
  return refused("UNKNOWN_LEADER_EPOCH", `epoch ${asked} is not known; the partition is in epoch ${current}`);
}
