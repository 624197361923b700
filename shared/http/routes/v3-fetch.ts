import { type Fetched, fetch } from "../../broker/fetch.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../../broker/list-offsets.ts";
import { DEFAULT_FETCH_BYTES } from "../../kafka/limits.ts";
import { badRequest, unwrap } from "../http-error.ts";
import { JSON_TYPE, RECORD_BATCHES_TYPE } from "../http-message.ts";
import { recordList } from "../record-list.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { fetchQuery } from "../schema/parameters.ts";
import * as schema from "../schema/record-schema.ts";
import { checkCluster, partitionOf, url } from "./v3-resource.ts";

export const fetchRoutes: readonly Route[] = [
  route({
    method: "GET",
    lambda: "fetch",
    path: "/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records",
    operationId: "fetchRecords",
    summary: "Fetches records of a partition from an offset or a timestamp; waits for them if it is told to.",
    query: fetchQuery,
    accepts: [],
    response: { status: 200, schema: schema.fetchedRecords, mediaTypes: [JSON_TYPE, RECORD_BATCHES_TYPE] },
    handle: async (context) => {
      const { query, request, params, mediaType } = context;
      const clusterId = await checkCluster(context);
      const partition = partitionOf(context);
      const offset = await startOffset(context, partition);
      const fetched = unwrap(
        await fetch(context.broker, {
          topic: params["topic_name"]!,
          partition,
          offset,
          maxBytes: query.max_bytes ?? DEFAULT_FETCH_BYTES,
          minBytes: query.min_bytes ?? 1,
          maxWaitMs: query.timeout_ms ?? 0,
          ...(request.signal === undefined ? {} : { signal: request.signal }),
        }),
      );
      if (mediaType === RECORD_BATCHES_TYPE) {
        return {
          status: 200,
          headers: { "content-type": mediaType, ...offsetHeaders(fetched) },
          body: fetched.batches,
        };
      }
      const self = url(context, `/${clusterId}/topics/${params["topic_name"]}/partitions/${partition}/records`);
      const { texts, nextOffset } = recordList(fetched, offset, { key: query.key_format, value: query.value_format });
      const metadata = {
        self,
        high_watermark: fetched.highWatermark,
        log_start_offset: fetched.logStartOffset,
        next_offset: nextOffset,
      };
      const body = `{"kind":"KafkaRecordList","metadata":${JSON.stringify(metadata)},"data":[${texts.join(",")}]}`;
      return { status: 200, headers: { "content-type": mediaType }, body };
    },
  }),
];

/** Where the fetch begins: the offset asked for, the first at or after the timestamp, or the log's start. */
async function startOffset(
  {
    broker,
    params,
    query,
  }: RouteContext<{ offset?: number | "earliest" | "latest" | undefined; timestamp?: number | undefined }>,
  partition: number,
): Promise<number> {
  const { offset, timestamp } = query;
  if (offset !== undefined && timestamp !== undefined) throw badRequest("give an offset or a timestamp, not both");
  if (typeof offset === "number") return offset;
  const topic = params["topic_name"]!;
  const wanted = timestamp ?? (offset === "latest" ? LATEST_TIMESTAMP : EARLIEST_TIMESTAMP);
  const found = unwrap(await listOffsets(broker, { topic, partition, timestamp: wanted }));
  if (found.offset >= 0) return found.offset;
  // No record is that young yet: what comes next will be.
  return unwrap(await listOffsets(broker, { topic, partition, timestamp: LATEST_TIMESTAMP })).offset;
}

function offsetHeaders({ highWatermark, logStartOffset, nextOffset }: Fetched): Record<string, string> {
  return {
    "millrace-high-watermark": String(highWatermark),
    "millrace-log-start-offset": String(logStartOffset),
    "millrace-next-offset": String(nextOffset),
  };
}
