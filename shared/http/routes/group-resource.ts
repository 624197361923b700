import type { GroupDescription, GroupMemberDescription } from "../../broker/groups/describe-group.ts";
import type { PartitionLag } from "../../broker/groups/group-lag.ts";
import type { NamedPartition } from "../../broker/groups/named-partitions.ts";
import type { RouteContext } from "../route.ts";
import { related, resource } from "./v3-resource.ts";

/** The path of a group's resources. Ids may hold any character. */
export function groupPath(clusterId: string, groupId: string): string {
  return `/${clusterId}/consumer-groups/${encodeURIComponent(groupId)}`;
}

const names = (clusterId: string, groupId: string, ...more: readonly (readonly [string, string])[]) => [
  ["kafka", clusterId] as const,
  ["consumer-group", groupId] as const,
  ...more,
];

export function groupResource(context: RouteContext, clusterId: string, group: GroupDescription) {
  const { groupId } = group;
  const path = groupPath(clusterId, groupId);
  return {
    ...resource(context, "KafkaConsumerGroup", path, names(clusterId, groupId)),
    cluster_id: clusterId,
    consumer_group_id: groupId,
    is_simple: group.isSimple,
    partition_assignor: group.assignor,
    state: group.state,
    type: group.type.toUpperCase(),
    // A group has members of one protocol: ADR 8.
    is_mixed_consumer_group: false,
    coordinator: related(context, `/${clusterId}/brokers/${group.coordinatorId}`),
    consumers: related(context, `${path}/consumers`),
    lag_summary: related(context, `${path}/lag-summary`),
    group_epoch: group.epoch,
  };
}

function consumerPath(clusterId: string, groupId: string, memberId: string): string {
  return `${groupPath(clusterId, groupId)}/consumers/${encodeURIComponent(memberId)}`;
}

export function consumerResource(
  context: RouteContext,
  clusterId: string,
  groupId: string,
  member: GroupMemberDescription,
) {
  const { memberId } = member;
  const path = consumerPath(clusterId, groupId, memberId);
  return {
    ...resource(context, "KafkaConsumer", path, names(clusterId, groupId, ["consumer", memberId])),
    cluster_id: clusterId,
    consumer_group_id: groupId,
    consumer_id: memberId,
    instance_id: member.instanceId ?? null,
    client_id: member.clientId,
    assignments: related(context, `${path}/assignments`),
    client_host: member.clientHost,
    member_epoch: member.memberEpoch,
    subscribed_topic_names: member.subscribedTopicNames,
    subscribed_topic_regex: member.subscribedTopicRegex ?? null,
  };
}

export function assignmentResource(
  context: RouteContext,
  clusterId: string,
  groupId: string,
  memberId: string,
  { topic, partition }: NamedPartition,
) {
  const at = `${topic}/partitions/${partition}`;
  const path = `${consumerPath(clusterId, groupId, memberId)}/assignments/${at}`;
  const named = names(
    clusterId,
    groupId,
    ["consumer", memberId],
    ["assignment", topic],
    ["partition", String(partition)],
  );
  return {
    ...resource(context, "KafkaConsumerAssignment", path, named),
    cluster_id: clusterId,
    consumer_group_id: groupId,
    consumer_id: memberId,
    topic_name: topic,
    partition_id: partition,
    partition: related(context, `/${clusterId}/topics/${at}`),
    lag: related(context, `${groupPath(clusterId, groupId)}/lags/${at}`),
  };
}

export function lagResource(context: RouteContext, clusterId: string, groupId: string, found: PartitionLag) {
  const { topic, partition, member } = found;
  const path = `${groupPath(clusterId, groupId)}/lags/${topic}/partitions/${partition}`;
  const named = names(clusterId, groupId, ["lag", topic], ["partition", String(partition)]);
  return {
    ...resource(context, "KafkaConsumerLag", path, named),
    cluster_id: clusterId,
    consumer_group_id: groupId,
    topic_name: topic,
    partition_id: partition,
    consumer_id: member?.memberId ?? "",
    instance_id: member?.instanceId ?? null,
    client_id: member?.clientId ?? "",
    current_offset: found.currentOffset,
    log_end_offset: found.logEndOffset,
    lag: found.lag,
  };
}

export function lagSummaryResource(
  context: RouteContext,
  clusterId: string,
  groupId: string,
  lags: readonly PartitionLag[],
) {
  const largest = lags.reduce((one, other) => (other.lag > one.lag ? other : one));
  const { topic, partition, member } = largest;
  const path = groupPath(clusterId, groupId);
  const memberId = member?.memberId ?? "";
  const { kind, metadata } = resource(
    context,
    "KafkaConsumerGroupLagSummary",
    `${path}/lag-summary`,
    names(clusterId, groupId),
  );
  return {
    kind,
    metadata: { ...metadata, resource_name: `${metadata.resource_name}/lag-summary` },
    cluster_id: clusterId,
    consumer_group_id: groupId,
    max_lag_consumer_id: memberId,
    max_lag_instance_id: member?.instanceId ?? null,
    max_lag_client_id: member?.clientId ?? "",
    max_lag_topic_name: topic,
    max_lag_partition_id: partition,
    max_lag: largest.lag,
    total_lag: lags.reduce((sum, { lag }) => sum + lag, 0),
    max_lag_consumer: related(context, consumerPath(clusterId, groupId, memberId)),
    max_lag_partition: related(context, `/${clusterId}/topics/${topic}/partitions/${partition}`),
  };
}
