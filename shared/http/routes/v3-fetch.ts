import { type Fetched, fetch } from "../../broker/fetch.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../../broker/list-offsets.ts";
import { DEFAULT_FETCH_BYTES } from "../../kafka/limits.ts";
import { decodeRecords } from "../../record/decode-batch.ts";
import { batchHeaders } from "../../record/read-batch-header.ts";
import { negotiate } from "../accept.ts";
import { badRequest, HttpError, unwrap } from "../http-error.ts";
import { JSON_TYPE, json, RECORD_BATCHES_TYPE } from "../http-message.ts";
import { type DataType, decodeData } from "../record-data.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { fetchQuery } from "../schema/parameters.ts";
import * as schema from "../schema/record-schema.ts";
import { partitionOf } from "./v3-produce.ts";
import { checkCluster, url } from "./v3-resource.ts";

/** Characters of JSON that one answer may have: Lambda's 6 MB less room for headers. */
const MAX_JSON_CHARACTERS = 5 * 1024 * 1024;

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
      const { query, request, params } = context;
      const type = negotiate(request, [JSON_TYPE, RECORD_BATCHES_TYPE]);
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
      if (type === RECORD_BATCHES_TYPE) {
        return { status: 200, headers: { "content-type": type, ...offsetHeaders(fetched) }, body: fetched.batches };
      }
      const self = url(context, `/${clusterId}/topics/${params["topic_name"]}/partitions/${partition}/records`);
      const { data, nextOffset } = recordsOf(fetched, offset, query.key_format, query.value_format);
      return json(200, {
        kind: "KafkaRecordList",
        metadata: {
          self,
          high_watermark: fetched.highWatermark,
          log_start_offset: fetched.logStartOffset,
          next_offset: nextOffset,
        },
        data,
      });
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

/** The records as JSON; those that would make the answer too large are left for the next fetch. */
function recordsOf(
  fetched: Fetched,
  offset: number,
  keyFormat: DataType | undefined,
  valueFormat: DataType | undefined,
) {
  const data: unknown[] = [];
  let characters = 0;
  for (const { header, at } of batchHeaders(fetched.batches)) {
    if (header.isControl) continue;
    for (const record of decodeRecords(fetched.batches, at, header)) {
      if (record.offset < offset) continue;
      const entry = {
        offset: record.offset,
        timestamp: record.timestamp,
        key: decodeData(record.key, keyFormat),
        value: decodeData(record.value, valueFormat),
        headers: record.headers.map(({ key, value }) => ({
          name: key,
          value: value === null ? null : Buffer.from(value).toString("base64"),
        })),
      };
      characters += JSON.stringify(entry).length;
      if (characters > MAX_JSON_CHARACTERS) {
        if (data.length === 0) throw tooLargeForJson(record.offset);
        return { data, nextOffset: record.offset };
      }
      data.push(entry);
    }
  }
  return { data, nextOffset: fetched.nextOffset };
}

function tooLargeForJson(offset: number): HttpError {
  return new HttpError(
    406,
    406,
    `the record at offset ${offset} is too large for a JSON answer`,
    `ask with Accept: ${RECORD_BATCHES_TYPE}`,
  );
}
