import { JOIN_EPOCH } from "../../group/consumer-heartbeat.ts";
import { newMemberId } from "../../group/member-id.ts";
import type { AutoOffsetReset } from "../../group/offset-reset.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import type { CommitOffsets } from "./commit-offsets.ts";
import { commitPositions } from "./commit-positions.ts";
import type { FetchedPartition, FetchPartitions } from "./fetch-partitions.ts";
import type { NamedPartition } from "./named-partitions.ts";
import { readPositions } from "./read-positions.ts";
import { type Turn, takeTurn } from "./take-turn.ts";

/** A partition of a consumer's, as it goes from one poll to the next. Whoever polls hands back what it was told. */
export interface PollPosition extends NamedPartition {
  readonly topicId: string;
  /** The next offset to read; undefined: not known yet. */
  readonly offset?: number;
  /** What is known to be committed; undefined: nothing. */
  readonly committedOffset?: number;
}

export interface Poll {
  readonly groupId: string;
  /** Absent: it gets one. */
  readonly memberId?: string;
  /** 0: join. */
  readonly memberEpoch: number;
  /**
   * Rises with every answer to the member, beyond {@link sequenceOf} of the poll that it answers: one that was given up and arrives late is not taken
   * for what the member says now. Where it is known when a poll arrived, that counts too: a client that tries again does so with the same words.
   */
  readonly sequence?: number;
  readonly instanceId?: string;
  readonly rackId?: string;
  readonly serverAssignor?: string;
  readonly topics?: readonly string[];
  readonly topicPattern?: string;
  readonly rebalanceTimeoutMs: number;
  readonly clientId: string;
  readonly clientHost: string;
  /** Where the last answer's records end: they are done with. None when it joins. */
  readonly positions: readonly PollPosition[];
  /** Whether what was handed out last is committed first. */
  readonly commits: boolean;
  readonly autoOffsetReset: AutoOffsetReset;
  readonly maxBytes: number;
  /** {@link FetchPartitions.maxColdBytes} */
  readonly maxColdBytes?: number;
  /** Waits so long, in milliseconds, for the first record; the heartbeats go on meanwhile. */
  readonly maxWaitMs: number;
  /** {@link CommitOffsets.receivedAt} */
  readonly receivedAt?: number;
  readonly signal?: AbortSignal;
}

export interface Polled {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly heartbeatIntervalMs: number;
  /** All that it has assigned, each where it was before this poll's records. */
  readonly positions: readonly PollPosition[];
  /** Records, by partition: fetchPartitions. Refusals are not among them. */
  readonly found: readonly FetchedPartition[];
}

/**
 * A consumer's whole turn, by a client that remembers nothing but the last answer: what was handed out is committed, the member heartbeats (joining,
 * giving up and taking partitions as it is told), and what has come is fetched from all that it has assigned. At least once: what is handed out is
 * committed by the poll after. While it waits for records it goes on heartbeating. What it has to give up it says that it gave up with the poll after, which
 * it therefore does not have to wait for: the client may have given this one up, and be busy with what another has handed out.
 *
 * Refusals: those of heartbeats (UNKNOWN_MEMBER_ID, FENCED_MEMBER_EPOCH: it joins again) and commits; OFFSET_OUT_OF_RANGE with auto.offset.reset "none";
 * a store's if nothing can be read of any partition.
 */
export async function poll(broker: Broker, request: Poll): Promise<Result<Polled>> {
  const deadline = broker.clock.now() + request.maxWaitMs;
  const memberId = request.memberId ?? newMemberId(broker.random.bytes(16));
  let positions: readonly PollPosition[] = [];
  if (request.memberEpoch !== JOIN_EPOCH) {
    const committed = await commitPositions(broker, { ...request, memberId });
    if (!committed.ok) return committed;
    positions = committed.value;
  }
  let turn: Turn = { memberId, memberEpoch: request.memberEpoch, heartbeatIntervalMs: 0, positions };
  for (let isWaiting = false; ; isWaiting = true) {
    const told = await takeTurn(broker, request, turn);
    if (!told.ok) return told;
    turn = told.value;
    const { isRevoking = false } = turn;
    const beatBy = isRevoking ? 0 : broker.clock.now() + turn.heartbeatIntervalMs;
    const read = await readPositions(broker, {
      ...request,
      positions: turn.positions,
      untilMs: Math.min(deadline, beatBy),
      isWaiting,
    });
    if (!read.ok) return read;
    turn = { ...turn, positions: read.value.positions };
    const isOver = isRevoking || broker.clock.now() >= deadline || request.signal?.aborted === true;
    if (read.value.found.length > 0 || isOver) return ok({ ...turn, found: read.value.found });
  }
}
