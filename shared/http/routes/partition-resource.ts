import type { PartitionRegistration } from "../../broker/metadata-store.ts";
import type { RouteContext } from "../route.ts";
import { related, resource } from "./v3-resource.ts";

/** A partition as v3 describes it, and beyond that who leads it in which epoch, and who is in sync. */
export function partitionResource(
  context: RouteContext,
  clusterId: string,
  topic: string,
  { partition, leader, leaderEpoch, partitionEpoch, replicas, inSyncReplicas }: PartitionRegistration,
) {
  const path = `/${clusterId}/topics/${topic}/partitions/${partition}`;
  return {
    ...resource(context, "KafkaPartition", path, [
      ["kafka", clusterId],
      ["topic", topic],
      ["partition", String(partition)],
    ]),
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    leader: related(context, `${path}/replicas/${leader}`),
    replicas: related(context, `${path}/replicas`),
    reassignment: related(context, `${path}/reassignment`),
    leader_id: leader,
    leader_epoch: leaderEpoch,
    partition_epoch: partitionEpoch,
    assigned_replicas: replicas,
    in_sync_replicas: inSyncReplicas,
  };
}

/** A replica as v3 describes it. */
export function replicaResource(
  context: RouteContext,
  clusterId: string,
  topic: string,
  { partition, leader, inSyncReplicas }: PartitionRegistration,
  brokerId: number,
) {
  return {
    ...resource(context, "KafkaReplica", `/${clusterId}/topics/${topic}/partitions/${partition}/replicas/${brokerId}`, [
      ["kafka", clusterId],
      ["topic", topic],
      ["partition", String(partition)],
      ["replica", String(brokerId)],
    ]),
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    broker_id: brokerId,
    is_leader: brokerId === leader,
    is_in_sync: inSyncReplicas.includes(brokerId),
    broker: related(context, `/${clusterId}/brokers/${brokerId}`),
  };
}
