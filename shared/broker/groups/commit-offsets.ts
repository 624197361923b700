import { lookupRefusal } from "../../group/member-id.ts";
import { NO_EPOCH, type OffsetToCommit } from "../../group/offset-commit.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { commitOffsetsById } from "./commit-offsets-by-id.ts";
import { coordinatorOf, whileAvailable } from "./coordinate.ts";
import { type IdentifiedPartition, type NamedPartition, namedPartitions } from "./named-partitions.ts";

/** An offset to commit: the next one to read, which is the last one processed + 1. */
export interface NamedOffset extends IdentifiedPartition {
  readonly offset: number;
  /** leaderEpoch of the last record read. */
  readonly leaderEpoch?: number;
  /** At most 4096 characters. */
  readonly metadata?: string;
}

export interface CommitOffsets {
  readonly groupId: string;
  /** Absent: by no member (an administrator, or a consumer that assigned its partitions itself): the group must have no members. */
  readonly memberId?: string;
  /** memberEpoch of the consumer protocol, generationId of the classic one; absent with the member. */
  readonly memberEpoch?: number;
  readonly instanceId?: string;
  /**
   * When it arrived at the service, in milliseconds since the epoch, by whoever took it in: it may have waited since for a process, and then does not undo
   * what came later and was faster. Absent: now.
   */
  readonly receivedAt?: number;
  /** Any number, each of another partition. */
  readonly offsets: readonly NamedOffset[];
}

/** `refusal`: why it was not committed; undefined if it was. */
export interface CommittedPartition extends NamedPartition {
  readonly refusal: Refusal | undefined;
}

const MAX_OFFSETS = 10_000;

/**
 * OffsetCommit. Answers for each offset, in order: one that is refused (UNKNOWN_TOPIC_OR_PARTITION, STALE_MEMBER_EPOCH: not the member's to
 * commit, OFFSET_METADATA_TOO_LARGE) does not keep the others from being committed. A refusal of the request as a whole (UNKNOWN_MEMBER_ID,
 * STALE_MEMBER_EPOCH, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS, GROUP_ID_NOT_FOUND, ...) may come after some were: they may be committed again.
 */
export async function commitOffsets(broker: Broker, request: CommitOffsets): Promise<Result<CommittedPartition[]>> {
  const { groupId, memberId = "", memberEpoch = NO_EPOCH, instanceId, offsets } = request;
  // Before anything is waited for.
  const { receivedAt = broker.clock.now() } = request;
  const refusal = lookupRefusal(groupId, memberId) ?? sizeRefusal(offsets);
  if (refusal !== undefined) return { ok: false, refusal };
  const resolved = await namedPartitions(broker, offsets);
  const known = resolved.flatMap((each): OffsetToCommit[] => (each.ok ? [each.value] : []));
  const coordinator = await coordinatorOf(broker, groupId, memberId === "");
  const whole = { groupId, memberId, memberEpoch, ...(instanceId === undefined ? {} : { instanceId }), receivedAt };
  const committed =
    known.length === 0
      ? ok([])
      : await whileAvailable(groupId, commitOffsetsById(coordinator, { ...whole, offsets: known }));
  if (!committed.ok) return committed;
  let next = 0;
  const answers = resolved.map((each, index): CommittedPartition => {
    const { topic, partition } = offsets[index]!;
    return { topic, partition, refusal: each.ok ? committed.value[next++] : each.refusal };
  });
  broker.metrics.count("OffsetCommits", answers.filter((answer) => answer.refusal === undefined).length);
  return ok(answers);
}

function sizeRefusal(offsets: readonly NamedOffset[]): Refusal | undefined {
  if (offsets.length === 0) return refuse("INVALID_REQUEST", "there is no offset to commit");
  if (offsets.length > MAX_OFFSETS) {
    return refuse("INVALID_REQUEST", `${offsets.length} offsets in one request`, `at most ${MAX_OFFSETS}`);
  }
  const names = new Set(offsets.map(({ topic, partition }) => `${partition}#${topic}`));
  return names.size < offsets.length ? refuse("INVALID_REQUEST", "a partition is named twice") : undefined;
}
