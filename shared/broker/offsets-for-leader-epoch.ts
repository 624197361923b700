import { ok, type Result, refused } from "../kafka/result.ts";
import { epochEnd } from "../log/leader-epochs.ts";
import { logKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { coldEpochs } from "./cold/cold-epochs.ts";
import { followLeader } from "./follow-leader.ts";
import { locatePartition } from "./locate-partition.ts";
import { isReplicated } from "./partition-view.ts";
import { logEndOffsetOf } from "./read-log.ts";
import { at } from "./replica-stores.ts";

export interface EpochEndOffset {
  /** The largest epoch with records that is not above the one asked for. */
  readonly leaderEpoch: number;
  /** Where it ends in the leader's log: the next epoch's first offset, or logEndOffset in the newest. */
  readonly endOffset: number;
  /** It was begun by a replica that was not in sync: what was read in earlier epochs may not be in the log any more. */
  readonly isUnclean: boolean;
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
      const endOffset = await logEndOffsetOf(at(broker, registration.leader), log, registration.logStartOffset);
      return ok({ leaderEpoch: registration.leaderEpoch, endOffset, isUnclean: false });
    }
    // The highWatermark that is known here may lag behind what a consumer has seen: judged by it, that would seem to be gone.
    const { tip } = await broker.committed.look(log, registration);
    const found =
      epochEnd(tip.epochs, request.leaderEpoch, tip.logEndOffset) ??
      epochEnd(
        await coldEpochs(broker, log, registration, request.leaderEpoch),
        request.leaderEpoch,
        tip.epochs[0]?.startOffset ?? tip.logEndOffset,
      );
    if (found === undefined) return unknown(request.leaderEpoch, registration.leaderEpoch);
    const { uncleanElections = [] } = registration;
    return ok({ ...found, isUnclean: uncleanElections.some((election) => election.leaderEpoch === found.leaderEpoch) });
  });
}

function unknown(asked: number, current: number): ReturnType<typeof refused> {
  return refused("UNKNOWN_LEADER_EPOCH", `epoch ${asked} is not known; the partition is in epoch ${current}`);
}
