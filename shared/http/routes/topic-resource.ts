import type { TopicDescription } from "../../broker/topic-description.ts";
import type { RouteContext } from "../route.ts";
import { related, resource } from "./v3-resource.ts";

/** Kafka's answer where no authorizer is configured: whatever can be done to a topic. */
const TOPIC_OPERATIONS = [
  "READ",
  "WRITE",
  "CREATE",
  "DESCRIBE",
  "DELETE",
  "ALTER",
  "DESCRIBE_CONFIGS",
  "ALTER_CONFIGS",
];

/** A topic as v3 describes it. */
export function topicResource(
  context: RouteContext,
  clusterId: string,
  topic: TopicDescription,
  withOperations = false,
  partitionCount = topic.partitions.length,
) {
  const path = `/${clusterId}/topics/${topic.name}`;
  return {
    ...resource(context, "KafkaTopic", path, [
      ["kafka", clusterId],
      ["topic", topic.name],
    ]),
    cluster_id: clusterId,
    topic_name: topic.name,
    topic_id: topic.topicId,
    is_internal: topic.isInternal,
    replication_factor: topic.replicationFactor,
    partitions_count: partitionCount,
    partitions: related(context, `${path}/partitions`),
    configs: related(context, `${path}/configs`),
    partition_reassignments: related(context, `${path}/partitions/-/reassignment`),
    authorized_operations: withOperations ? TOPIC_OPERATIONS : [],
  };
}
