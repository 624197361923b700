import { type OffsetReset, resetOffset } from "../../group/offset-reset.ts";
import { type Refusal, refuse } from "../../kafka/kafka-error.ts";
import { ok, type Result, refused } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../list-offsets.ts";
import { type CommitOffsets, commitOffsets } from "./commit-offsets.ts";
import { describeGroup } from "./describe-group.ts";
import { type FetchedOffset, fetchOffsets } from "./fetch-offsets.ts";
import { type NamedPartition, topicsByName } from "./named-partitions.ts";

export interface ResetOffsets {
  readonly groupId: string;
  readonly reset: OffsetReset;
  /** Absent, and no topics: all that the group has an offset for. */
  readonly partitions?: readonly NamedPartition[];
  /** All of their partitions, too. */
  readonly topics?: readonly string[];
  /** Only tells what would be. */
  readonly isDryRun: boolean;
  /** {@link CommitOffsets.receivedAt} */
  readonly receivedAt?: number;
}

export interface ResetPartition extends NamedPartition {
  readonly committedOffset: number | undefined;
  readonly newOffset: number | undefined;
  /** Why it was not reset. */
  readonly refusal: Refusal | undefined;
}

const READS_AT_ONCE = 16;

/**
 * What `kafka-consumer-groups --reset-offsets` does: gives a group without members other places to go on from, within the logs. A group that nobody
 * knows is made, if partitions or topics are named. A partition that is refused does not keep the others from being reset. Refusals:
 * INVALID_GROUP_ID, NON_EMPTY_GROUP, GROUP_ID_NOT_FOUND (nothing is named), UNKNOWN_TOPIC_OR_PARTITION (a topic that is named).
 */
export async function resetOffsets(broker: Broker, request: ResetOffsets): Promise<Result<ResetPartition[]>> {
  const { groupId, reset, isDryRun, receivedAt = broker.clock.now() } = request;
  const isNamed = request.partitions !== undefined || request.topics !== undefined;
  const described = await describeGroup(broker, groupId);
  if (!described.ok && !(isNamed && described.refusal.code === "GROUP_ID_NOT_FOUND")) return described;
  if (described.ok && described.value.members.length > 0) return nonEmpty(groupId, described.value.members.length);
  const named = isNamed ? await partitionsOf(broker, request) : ok(undefined);
  if (!named.ok) return named;
  const fetched = await fetchOffsets(broker, { groupId, ...(named.value && { partitions: named.value }) });
  if (!fetched.ok) return fetched;
  const resets: ResetPartition[] = [];
  await sideBySide([...fetched.value.entries()], READS_AT_ONCE, async ([index, each]) => {
    resets[index] = each.ok
      ? await resetOne(broker, each.value, reset)
      : { ...named.value![index]!, committedOffset: undefined, newOffset: undefined, refusal: each.refusal };
  });
  return isDryRun ? ok(resets) : commit(broker, { groupId, receivedAt }, resets);
}

async function partitionsOf(
  broker: Broker,
  { partitions = [], topics = [] }: ResetOffsets,
): Promise<Result<NamedPartition[]>> {
  const found = await topicsByName(broker, topics);
  const missing = topics.find((name) => !found.has(name));
  if (missing !== undefined) {
    return refused("UNKNOWN_TOPIC_OR_PARTITION", `topic ${JSON.stringify(missing)} does not exist`);
  }
  const ofTopics = [...found].flatMap(([topic, { item }]) =>
    Array.from({ length: item.partitionCount }, (_, partition) => ({ topic, partition })),
  );
  const each = new Map([...partitions, ...ofTopics].map((at) => [`${at.partition}#${at.topic}`, at]));
  return ok([...each.values()]);
}

async function resetOne(broker: Broker, at: FetchedOffset, reset: OffsetReset): Promise<ResetPartition> {
  const { topic, partition, offset: committedOffset } = at;
  const failed = (refusal: Refusal) => ({ topic, partition, committedOffset, newOffset: undefined, refusal });
  const find = (timestamp: number) => listOffsets(broker, { topic, partition, timestamp });
  const start = await find(EARLIEST_TIMESTAMP);
  if (!start.ok) return failed(start.refusal);
  const end = await find(LATEST_TIMESTAMP);
  if (!end.ok) return failed(end.refusal);
  const atTimestamp = reset.to === "timestamp" ? await find(reset.timestamp) : undefined;
  if (atTimestamp?.ok === false) return failed(atTimestamp.refusal);
  const log = { logStartOffset: start.value.offset, endOffset: end.value.offset };
  const found = atTimestamp === undefined || atTimestamp.value.offset < 0 ? undefined : atTimestamp.value.offset;
  const decided = resetOffset(reset, log, committedOffset, found);
  if (!decided.ok) return failed(decided.refusal);
  return { topic, partition, committedOffset, newOffset: decided.value, refusal: undefined };
}

async function commit(
  broker: Broker,
  { groupId, receivedAt }: Required<Pick<CommitOffsets, "groupId" | "receivedAt">>,
  resets: readonly ResetPartition[],
): Promise<Result<ResetPartition[]>> {
  const due = resets.flatMap(({ topic, partition, newOffset }) =>
    newOffset === undefined ? [] : [{ topic, partition, offset: newOffset }],
  );
  if (due.length === 0) return ok([...resets]);
  const committed = await commitOffsets(broker, { groupId, receivedAt, offsets: due });
  // Somebody joined it in between.
  if (!committed.ok) return committed.refusal.code === "UNKNOWN_MEMBER_ID" ? nonEmpty(groupId) : committed;
  const refusals = new Map(committed.value.map((each) => [`${each.partition}#${each.topic}`, each.refusal]));
  return ok(
    resets.map((each) => ({ ...each, refusal: each.refusal ?? refusals.get(`${each.partition}#${each.topic}`) })),
  );
}

function nonEmpty(groupId: string, members?: number): Result<never> {
  const refusal = refuse(
    "NON_EMPTY_GROUP",
    `group "${groupId}" has ${members ?? "some"} members`,
    "stop its consumers first: offsets are reset while nobody consumes",
  );
  return { ok: false, refusal };
}
