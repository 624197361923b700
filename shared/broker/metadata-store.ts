import type { UncleanElection } from "../log/unclean-election.ts";

/** A topic as the cluster knows it. One item per topic. */
export interface TopicItem {
  readonly name: string;
  /** UUID: a topic recreated under the same name has another. */
  readonly topicId: string;
  readonly partitionCount: number;
  readonly replicationFactor: number;
  /** Only what was set for this topic; defaults are not stored. */
  readonly configs: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Raised by each change; the compare-and-set of updateTopic is on it. */
  readonly version: number;
}

/** One partition's registration: who leads it, since when, with whom. Changed by compare-and-set on partitionEpoch. */
export interface PartitionRegistration {
  readonly topicId: string;
  readonly partition: number;
  /** Broker ids (a broker is a region). */
  readonly replicas: readonly number[];
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly inSyncReplicas: readonly number[];
  readonly joining: readonly number[];
  readonly partitionEpoch: number;
  readonly logStartOffset: number;
  /** Elections outside of the in-sync set, the oldest first; absent: none yet. */
  readonly uncleanElections?: readonly UncleanElection[];
  /** Its topic is being deleted: it changes no more, so that the log that is sealed stays the leader's. */
  readonly isEnded?: true;
}

/** A deleted topic whose items are still to be removed. */
export interface DeletedTopic {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
  /** Milliseconds since the epoch. */
  readonly deletedAt: number;
}

/**
 * The port to the `metadata` table: small linearizable items, each changed by a conditional write on itself alone.
 * Reads are strongly consistent. Errors as in LogStore: `KafkaError` with `outcome`.
 */
export interface MetadataStore {
  /** The cluster's id; the first caller's `candidate` is kept for good. */
  clusterId(candidate: string): Promise<string>;
  getTopic(name: string): Promise<TopicItem | undefined>;
  /** Topics in order of name, up to `limit` (at most 1000), with a name above `after`. */
  listTopics(options: { readonly limit: number; readonly after?: string }): Promise<TopicItem[]>;
  /** False if the name is taken. An item already there with the same topicId is one's own: true. */
  createTopic(topic: TopicItem): Promise<boolean>;
  /**
   * Replaces the item if its version is topic.version - 1 and its topicId the same; false otherwise. The same item already
   * there is one's own, written by a request whose answer was lost: true.
   */
  updateTopic(topic: TopicItem): Promise<boolean>;
  /** Removes the item if it is still this topicId; false otherwise. */
  deleteTopic(name: string, topicId: string): Promise<boolean>;

  /** The registrations of a topic in order of partition. */
  getPartitions(topicId: string): Promise<PartitionRegistration[]>;
  /** Writes registrations that are not there yet; those that are stay as they are. */
  createPartitions(registrations: readonly PartitionRegistration[]): Promise<void>;
  /**
   * Replaces the registration if its partitionEpoch is registration.partitionEpoch - 1; false otherwise. The same one
   * already there is one's own: true.
   */
  updatePartition(registration: PartitionRegistration): Promise<boolean>;
  deletePartitions(topicId: string, partitionCount: number): Promise<void>;

  /** Says that a broker's region is alive until `expiresAt`, in milliseconds since the epoch. */
  putLease(brokerId: number, expiresAt: number): Promise<void>;
  /** Until when each broker's region said it is alive. */
  getLeases(): Promise<ReadonlyMap<number, number>>;

  putDeletedTopic(topic: DeletedTopic): Promise<void>;
  listDeletedTopics(limit: number): Promise<DeletedTopic[]>;
  removeDeletedTopic(topicId: string): Promise<void>;

  /**
   * The broker, which is a region, that a group has its home in: the first caller's `candidate` is kept for good. Without one: undefined if the
   * group has none yet.
   */
  groupHome(groupId: string, candidate: number): Promise<number>;
  groupHome(groupId: string): Promise<number | undefined>;

  /** A producer id never handed out before, from 0 upwards (ids may be skipped). */
  nextProducerId(): Promise<number>;
}
