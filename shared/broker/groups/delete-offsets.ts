import { deleteOffsets as decide } from "../../group/group-deletion.ts";
import type { GroupPartition } from "../../group/group-store.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../../kafka/result.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { type Coordinator, coordinate, coordinatorOf, whileAvailable } from "./coordinate.ts";
import { listGroupPartitions } from "./list-group-partitions.ts";
import type { NamedPartition } from "./named-partitions.ts";

export interface DeleteOffsets {
  readonly groupId: string;
  readonly topic: string;
  /** Absent: all of the topic's. */
  readonly partition?: number;
  /** When it arrived, in milliseconds since the epoch: what was committed later stays. Absent: now. */
  readonly receivedAt?: number;
}

/** `refusal`: why it is still there. */
export interface DeletedOffset extends NamedPartition {
  readonly refusal: Refusal | undefined;
}

const AT_ONCE = 100;
const TIMEOUT_MS = 10_000;

/**
 * OffsetDelete: what a group has committed for a topic, or for one partition of it. Refusals: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND,
 * UNKNOWN_TOPIC_OR_PARTITION (it has no offset there), GROUP_SUBSCRIBED_TO_TOPIC, NON_EMPTY_GROUP (members whose subscription nobody can tell).
 */
export async function deleteOffsets(
  broker: Broker,
  { groupId, topic, partition, receivedAt = broker.clock.now() }: DeleteOffsets,
): Promise<Result<DeletedOffset[]>> {
  const decided = await coordinate(broker, { groupId }, (view) => decide(view, groupId, [topic]));
  if (!decided.ok) return decided;
  const [subscribed] = decided.value;
  if (subscribed !== undefined) return { ok: false, refusal: subscribed };
  const coordinator = await coordinatorOf(broker, groupId, false);
  const listed = await listGroupPartitions(broker, coordinator, groupId);
  const wanted = listed.filter(
    (each) => each.committed !== undefined && each.topic === topic && (partition ?? each.partition) === each.partition,
  );
  if (wanted.length === 0) {
    const where = partition === undefined ? topic : `${topic}-${partition}`;
    return refused("UNKNOWN_TOPIC_OR_PARTITION", `group "${groupId}" has no offset for ${where}`);
  }
  const isLater = ({ committed }: GroupPartition) => committed!.committedAt > receivedAt;
  const due = wanted.filter((each) => !isLater(each));
  const kept = wanted.filter(isLater).map((each) => ({ ...named(each), refusal: inUse(each) }));
  return ok([...(await whileAvailable(groupId, deleteEach(coordinator, groupId, due))), ...kept]);
}

/** In their order. */
export async function deleteEach(
  { groupStore, clock }: Coordinator,
  groupId: string,
  partitions: readonly GroupPartition[],
): Promise<DeletedOffset[]> {
  const answers: DeletedOffset[] = [];
  for (let from = 0; from < partitions.length; from += AT_ONCE) {
    const some = partitions.slice(from, from + AT_ONCE);
    const offsets = some.map(({ topicId, partition, committed }) => ({ topicId, partition, offset: committed! }));
    const deleting = groupStore.deleteOffsets(groupId, offsets);
    const deleted = await withTimeout(clock, TIMEOUT_MS, "deleting offsets", deleting);
    for (const [index, each] of some.entries()) {
      answers.push({ ...named(each), refusal: deleted[index] ? undefined : inUse(each) });
    }
  }
  return answers;
}

const named = ({ topic, partition }: GroupPartition): NamedPartition => ({ topic, partition });

function inUse({ topic, partition }: GroupPartition): Refusal {
  return refuse("GROUP_SUBSCRIBED_TO_TOPIC", `somebody has ${topic}-${partition} by now, or has committed it anew`);
}
