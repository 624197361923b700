import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { commitOffsets } from "./commit-offsets.ts";
import type { Poll, PollPosition } from "./poll.ts";

/**
 * Commits what was handed out last, where that is not committed yet. Partitions that are not the member's any more stay uncommitted: whoever has
 * them now reads on from what is. Answers with the positions, and what is committed by now. Refusals: commitOffsets'.
 */
export async function commitPositions(
  broker: Broker,
  { groupId, memberId, memberEpoch, instanceId, receivedAt, positions, commits }: Poll & { readonly memberId: string },
): Promise<Result<readonly PollPosition[]>> {
  const due = positions.flatMap(({ topic, topicId, partition, offset, committedOffset }) =>
    commits && offset !== undefined && offset !== committedOffset ? [{ topic, topicId, partition, offset }] : [],
  );
  if (due.length === 0) return ok(positions);
  const committed = await commitOffsets(broker, {
    groupId,
    memberId,
    memberEpoch,
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(receivedAt === undefined ? {} : { receivedAt }),
    offsets: due,
  });
  if (!committed.ok) return committed;
  const isCommitted = new Set(
    committed.value.flatMap(({ topic, partition, refusal }) =>
      refusal === undefined ? [`${partition}#${topic}`] : [],
    ),
  );
  return ok(
    positions.map((each) =>
      each.offset !== undefined && isCommitted.has(`${each.partition}#${each.topic}`)
        ? { ...each, committedOffset: each.offset }
        : each,
    ),
  );
}
