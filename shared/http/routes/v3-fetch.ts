import type { Broker } from "../../broker/broker.ts";
import { type Fetched, type FetchRequest, fetch } from "../../broker/fetch.ts";
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
} from "../../broker/list-offsets.ts";
import { DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES, MAX_RAW_FETCH_BYTES } from "../../kafka/limits.ts";
import { badRequest, unwrap } from "../http-error.ts";
import { JSON_TYPE, RECORD_BATCHES_TYPE } from "../http-message.ts";
import { type Formats, type RecordList, recordList } from "../record-list.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { fetchQuery, type StartOffset } from "../schema/parameters.ts";
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
      const asked: FetchRequest = {
        topic: params["topic_name"]!,
        partition,
        offset,
        maxBytes: query.max_bytes ?? DEFAULT_FETCH_BYTES,
        // The next request may reach another process, which would read from S3 anew: an answer brings what it may.
        maxColdBytes: query.max_bytes ?? (mediaType === RECORD_BATCHES_TYPE ? MAX_RAW_FETCH_BYTES : MAX_FETCH_BYTES),
        minBytes: query.min_bytes ?? 1,
        maxWaitMs: query.timeout_ms ?? 0,
        ...(request.signal === undefined ? {} : { signal: request.signal }),
      };
      if (mediaType === RECORD_BATCHES_TYPE) {
        const fetched = unwrap(await fetch(context.broker, asked));
        return {
          status: 200,
          headers: { "content-type": mediaType, ...offsetHeaders(fetched) },
          body: fetched.batches,
        };
      }
      const self = url(context, `/${clusterId}/topics/${params["topic_name"]}/partitions/${partition}/records`);
      const { fetched, list } = await fetchRecords(context.broker, asked, {
        key: query.key_format,
        value: query.value_format,
      });
      const metadata = {
        self,
        high_watermark: fetched.highWatermark,
        log_start_offset: fetched.logStartOffset,
        local_log_start_offset: fetched.localLogStartOffset,
        next_offset: list.nextOffset,
      };
      const body = `{"kind":"KafkaRecordList","metadata":${JSON.stringify(metadata)},"data":[${list.texts.join(",")}]}`;
      return { status: 200, headers: { "content-type": mediaType }, body };
    },
  }),
];

/** Stretches without records in a row that one request passes over. */
const MAX_PASSES = 10;

/**
 * A fetch as records. Batches without any (control batches, which an election leaves; what compaction has emptied) are no news: they are passed over, and
 * the wait goes on.
 */
async function fetchRecords(
  broker: Broker,
  asked: FetchRequest,
  formats: Formats,
): Promise<{ fetched: Fetched; list: RecordList }> {
  const deadline = broker.clock.now() + asked.maxWaitMs;
  let { offset } = asked;
  for (let passes = 0; ; passes++) {
    const maxWaitMs = Math.max(0, deadline - broker.clock.now());
    const fetched = unwrap(await fetch(broker, { ...asked, offset, maxWaitMs }));
    const list = recordList(fetched, offset, formats);
    const isEmpty = list.texts.length === 0 && list.nextOffset > offset;
    if (!isEmpty || passes === MAX_PASSES || asked.signal?.aborted) return { fetched, list };
    offset = list.nextOffset;
  }
}

const TIMESTAMP_OF: Readonly<Record<StartOffset, number>> = {
  earliest: EARLIEST_TIMESTAMP,
  latest: LATEST_TIMESTAMP,
  earliest_local: EARLIEST_LOCAL_TIMESTAMP,
  latest_tiered: LATEST_TIERED_TIMESTAMP,
};

/** Where the fetch begins: the offset asked for, the first at or after the timestamp, or the log's start. */
async function startOffset(
  {
    broker,
    params,
    query,
  }: RouteContext<{ offset?: number | StartOffset | undefined; timestamp?: number | undefined }>,
  partition: number,
): Promise<number> {
  const { offset, timestamp } = query;
  if (offset !== undefined && timestamp !== undefined) throw badRequest("give an offset or a timestamp, not both");
  if (typeof offset === "number") return offset;
  const at = async (wanted: number) =>
    unwrap(await listOffsets(broker, { topic: params["topic_name"]!, partition, timestamp: wanted })).offset;
  const found = await at(timestamp ?? TIMESTAMP_OF[offset ?? "earliest"]);
  if (found >= 0) return found;
  // No record is that young yet: what comes next will be. Nothing is in a segment: all is before what will be.
  return at(timestamp === undefined ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP);
}

function offsetHeaders(fetched: Fetched): Record<string, string> {
  return {
    "millrace-high-watermark": String(fetched.highWatermark),
    "millrace-log-start-offset": String(fetched.logStartOffset),
    "millrace-local-log-start-offset": String(fetched.localLogStartOffset),
    "millrace-next-offset": String(fetched.nextOffset),
  };
}
