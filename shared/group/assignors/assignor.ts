import type { AssignorName } from "../group-config.ts";
import type { PartitionsByTopic } from "../partitions-by-topic.ts";
import { assignRange } from "./range.ts";
import { assignUniformly } from "./uniform.ts";

/** A member as an assignor sees it. */
export interface SubscribedMember {
  readonly memberId: string;
  readonly instanceId?: string;
  readonly rackId?: string;
  /** Topics that it subscribes to and that are there, each once. */
  readonly topicIds: readonly string[];
  /** What it has by the assignment before: it keeps of it what it can. */
  readonly assigned: PartitionsByTopic;
}

export interface AssignableTopic {
  readonly topicId: string;
  readonly partitionCount: number;
  /** The racks that hold each partition; absent: none prefers any. */
  readonly partitionRacks?: readonly (readonly string[])[];
}

export interface AssignorInput {
  readonly members: readonly SubscribedMember[];
  /** Every topic that any member subscribes to. */
  readonly topics: readonly AssignableTopic[];
}

/** Every partition of every topic to one of its subscribers. Pure: the same members and topics, in any order, give the same. */
export type Assignor = (input: AssignorInput) => Map<string, PartitionsByTopic>;

/** Kafka's server-side assignors by name. */
export const ASSIGNOR_OF: Readonly<Record<AssignorName, Assignor>> = { uniform: assignUniformly, range: assignRange };
