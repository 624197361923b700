import type { GroupPartition } from "../../group/group-store.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { LATEST_TIMESTAMP, listOffsets } from "../list-offsets.ts";
import { coordinatorOf } from "./coordinate.ts";
import { describeGroup, type GroupDescription, type GroupMemberDescription } from "./describe-group.ts";
import { listGroupPartitions } from "./list-group-partitions.ts";
import type { NamedPartition } from "./named-partitions.ts";

/** How far a group is behind in a partition that it has an offset for. */
export interface PartitionLag extends NamedPartition {
  /** What is committed: the next offset to read. */
  readonly currentOffset: number;
  /** The highWatermark: what a consumer can reach. */
  readonly logEndOffset: number;
  readonly lag: number;
  /** Who has the partition assigned; absent: nobody. */
  readonly member?: GroupMemberDescription;
}

export interface GroupLag {
  readonly group: GroupDescription;
  /** By topic and partition. */
  readonly partitions: readonly PartitionLag[];
}

const READS_AT_ONCE = 16;

/**
 * How far a group is behind, in each partition that it has committed an offset for (`only`: in that one). A partition whose log's end cannot be told
 * just now is left out. Refusals: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND.
 */
export async function groupLag(broker: Broker, groupId: string, only?: NamedPartition): Promise<Result<GroupLag>> {
  const described = await describeGroup(broker, groupId);
  if (!described.ok) return described;
  const coordinator = await coordinatorOf(broker, groupId, false);
  const listed = await listGroupPartitions(broker, coordinator, groupId);
  const wanted = only === undefined ? listed : listed.filter((each) => isSame(each, only));
  const group = described.value;
  const members = new Map(
    group.members.flatMap((member) => member.assignment.map((each) => [keyOf(each), member] as const)),
  );
  const partitions = await partitionLags(broker, wanted);
  return ok({
    group,
    partitions: partitions.map((each) => {
      const member = members.get(keyOf(each));
      return member === undefined ? each : { ...each, member };
    }),
  });
}

/** The lag of these, in their order; of those without an offset, or whose log's end cannot be told, none. */
export async function partitionLags(broker: Broker, partitions: readonly GroupPartition[]): Promise<PartitionLag[]> {
  const lags: (PartitionLag | undefined)[] = [];
  await sideBySide([...partitions.entries()], READS_AT_ONCE, async ([index, { topic, partition, committed }]) => {
    if (committed === undefined) return;
    const end = await listOffsets(broker, { topic, partition, timestamp: LATEST_TIMESTAMP });
    if (!end.ok) return;
    const { offset: currentOffset } = committed;
    const { offset: logEndOffset } = end.value;
    const lag = Math.max(0, logEndOffset - currentOffset);
    lags[index] = { topic, partition, currentOffset, logEndOffset, lag };
  });
  return lags.flatMap((each) => each ?? []);
}

const keyOf = ({ topic, partition }: NamedPartition) => `${partition}#${topic}`;

function isSame(one: NamedPartition, other: NamedPartition): boolean {
  return one.topic === other.topic && one.partition === other.partition;
}
