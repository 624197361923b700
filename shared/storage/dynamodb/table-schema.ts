/** A table's keys, as every place that makes one needs them: the local service, the tests, the CDK app. */
export interface TableSchema {
  readonly partitionKey: { readonly name: string; readonly type: "S" };
  readonly sortKey: { readonly name: string; readonly type: "S" | "N" };
  readonly timeToLiveAttribute?: string;
}

/** One region's log items and checkpoints. `tp`: topicId#partition. */
export const LOG_TABLE: TableSchema = {
  partitionKey: { name: "tp", type: "S" },
  sortKey: { name: "baseOffset", type: "N" },
  timeToLiveAttribute: "expiresAt",
};

/** The cluster's metadata. `kind`: what sort of item; `name`: which one. */
export const METADATA_TABLE: TableSchema = {
  partitionKey: { name: "kind", type: "S" },
  sortKey: { name: "name", type: "S" },
};

/** The metadata's kind of item that a topic's deletion makes: deployed, its insertion begins maintenance. */
export const DELETED_TOPIC_KIND = "deleted-topic";

/** The metadata's kind of item that says where a consumer group has its home. */
export const GROUP_HOME_KIND = "group-home";

/**
 * A region's consumer groups: `groupKey` is `g#` and the group's id, `o#` and its id (partitions: owners and offsets), `i#` and its id (REST
 * consumer instances, the only items here that expire), `groups`, or `sweep`.
 */
export const GROUP_TABLE: TableSchema = {
  partitionKey: { name: "groupKey", type: "S" },
  sortKey: { name: "itemKey", type: "S" },
  timeToLiveAttribute: "expiresAt",
};

/** Under this key lies one small item a group: deployed, its being put starts the clock of the sweep. */
export const GROUP_LISTINGS_KEY = "groups";
