import type { TopicIdPartition } from "../partitions-by-topic.ts";

/** A member at work: how much it has, and what. */
export interface Share {
  readonly memberId: string;
  readonly rackId: string | undefined;
  readonly topicIds: ReadonlySet<string>;
  readonly partitions: OwnedPartition[];
}

export interface OwnedPartition extends TopicIdPartition {
  readonly racks: readonly string[] | undefined;
}

/** Whether the member's rack holds the partition. */
export function isNear({ rackId }: Share, { racks }: OwnedPartition): boolean {
  return rackId !== undefined && racks?.includes(rackId) === true;
}
