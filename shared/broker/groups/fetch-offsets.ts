import type { GroupPartition } from "../../group/group-store.ts";
import type { Member } from "../../group/member.ts";
import { lookupRefusal } from "../../group/member-id.ts";
import { offsetFetchRefusal } from "../../group/offset-fetch.ts";
import { partitionKey, type TopicIdPartition } from "../../group/partitions-by-topic.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { type Coordinator, coordinatorOf, whileAvailable } from "./coordinate.ts";
import { listGroupPartitions } from "./list-group-partitions.ts";
import { type IdentifiedPartition, type NamedPartition, namedPartitions } from "./named-partitions.ts";

export interface FetchOffsets {
  readonly groupId: string;
  /** A member that says who it is has to be in its epoch: what it reads then is what the owner before it committed last. */
  readonly memberId?: string;
  readonly memberEpoch?: number;
  /** Absent: all that the group has an offset for. */
  readonly partitions?: readonly IdentifiedPartition[];
}

/** A committed offset; `offset` undefined: the group has none for the partition. */
export interface FetchedOffset extends NamedPartition, TopicIdPartition {
  readonly offset: number | undefined;
  readonly leaderEpoch?: number;
  readonly metadata?: string;
  /** Milliseconds since the epoch. */
  readonly committedAt?: number;
}

const PARTITIONS_AT_ONCE = 100;
const TIMEOUT_MS = 5_000;

/**
 * OffsetFetch: for the partitions asked for, in order, and a refusal UNKNOWN_TOPIC_OR_PARTITION for those that do not exist; or for all that
 * have an offset and still exist. A group that nobody knows has no offsets. Refusals of the request as a whole: INVALID_GROUP_ID, INVALID_REQUEST,
 * UNKNOWN_MEMBER_ID, STALE_MEMBER_EPOCH, ILLEGAL_GENERATION.
 */
export async function fetchOffsets(broker: Broker, request: FetchOffsets): Promise<Result<Result<FetchedOffset>[]>> {
  const { groupId, memberId, partitions } = request;
  const refusal = lookupRefusal(groupId, memberId);
  if (refusal !== undefined) return { ok: false, refusal };
  const coordinator = await coordinatorOf(broker, groupId, false);
  let isExpected: ((partition: TopicIdPartition) => boolean) | undefined;
  if (memberId !== undefined || request.memberEpoch !== undefined) {
    const { groupStore, clock } = coordinator;
    const reading = withTimeout(clock, TIMEOUT_MS, "reading the group", groupStore.readGroup(groupId, memberId));
    const { group, member } = await whileAvailable(groupId, reading);
    const fenced = offsetFetchRefusal({ group, member, memberBefore: member }, request);
    if (fenced !== undefined) return { ok: false, refusal: fenced };
    isExpected = assignedTo(member);
  }
  if (partitions === undefined) {
    const listed = await listGroupPartitions(broker, coordinator, groupId);
    return ok(listed.flatMap((each) => (each.committed === undefined ? [] : [ok(offsetOf(each, each))])));
  }
  const resolved = await namedPartitions(broker, partitions, isExpected);
  const known = resolved.flatMap((each) => (each.ok ? [each.value] : []));
  // Stores read each once, however often it is named.
  const distinct = [...new Map(known.map((each) => [partitionKey(each), each])).values()];
  const items = await whileAvailable(groupId, readItems(coordinator, groupId, distinct));
  return ok(resolved.map((each) => (each.ok ? ok(offsetOf(each.value, items.get(partitionKey(each.value)))) : each)));
}

/**
 * A member asks for what it was assigned just now: where this process remembers another topic of that name, it looks again. What classic members have is
 * not known here.
 */
function assignedTo(member: Member | undefined): ((partition: TopicIdPartition) => boolean) | undefined {
  if (member?.type !== "consumer") return member === undefined ? undefined : () => false;
  return ({ topicId }) => member.assigned[topicId] !== undefined;
}

async function readItems(
  { groupStore, clock }: Coordinator,
  groupId: string,
  partitions: readonly TopicIdPartition[],
): Promise<ReadonlyMap<string, GroupPartition>> {
  const items = new Map<string, GroupPartition>();
  for (let from = 0; from < partitions.length; from += PARTITIONS_AT_ONCE) {
    const reading = groupStore.readPartitions(groupId, partitions.slice(from, from + PARTITIONS_AT_ONCE));
    const found = await withTimeout(clock, TIMEOUT_MS, "reading offsets", reading);
    for (const item of found) items.set(partitionKey(item), item);
  }
  return items;
}

function offsetOf(
  { topic, topicId, partition }: NamedPartition & TopicIdPartition,
  item: GroupPartition | undefined,
): FetchedOffset {
  const { offset, ...rest } = item?.committed ?? { offset: undefined };
  return { topic, topicId, partition, offset, ...rest };
}
