import { deleteRecords } from "../../broker/tiering/delete-records.ts";
import { badRequest, unwrap } from "../http-error.ts";
import { JSON_TYPE, json } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import { deletedRecords, deleteRecordsQuery } from "../schema/record-deletion-schema.ts";
import { checkCluster, partitionOf } from "./v3-resource.ts";

/** Kafka's DeleteRecords, which Confluent's REST API does not have. */
export const recordDeletionRoutes: readonly Route[] = [
  route({
    method: "DELETE",
    lambda: "produce",
    path: "/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records",
    operationId: "deleteRecords",
    summary:
      "Deletes the records of a partition below an offset, or all that are committed (-1): Kafka's DeleteRecords. They are out of range at once.",
    query: deleteRecordsQuery,
    accepts: [],
    response: { status: 200, schema: deletedRecords, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const cluster_id = await checkCluster(context);
      const topic = context.params["topic_name"]!;
      const partition = partitionOf(context);
      const { before_offset: beforeOffset } = context.query;
      // To delete all records by having forgotten which is nobody's wish.
      if (beforeOffset === undefined)
        throw badRequest("query parameter before_offset is missing", "-1 stands for the end: all records");
      const { lowWatermark } = unwrap(await deleteRecords(context.broker, { topic, partition, beforeOffset }));
      return json(200, {
        kind: "KafkaDeletedRecords",
        cluster_id,
        topic_name: topic,
        partition_id: partition,
        low_watermark: lowWatermark,
      });
    },
  }),
];
