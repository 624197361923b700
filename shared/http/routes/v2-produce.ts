import type { RecordToProduce } from "../../broker/assign-partitions.ts";
import { produceRecords, type RecordResult } from "../../broker/produce-records.ts";
import { ERROR_CODES } from "../../kafka/error-code.ts";
import { MAX_RECORDS_PER_REQUEST } from "../../kafka/limits.ts";
import { badRequest, cut, HttpError } from "../http-error.ts";
import {
  type HttpResponse,
  JSON_TYPE,
  mediaType,
  V2_BINARY_TYPE,
  V2_EMBEDDED_JSON_TYPE,
  V2_JSON_TYPE,
} from "../http-message.ts";
import { produceTerms } from "../produce-terms.ts";
import { base64Bytes } from "../record-data.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { produceQuery, producerHeaders } from "../schema/parameters.ts";
import * as schema from "../schema/v2-schema.ts";
import { partitionNotFound, v2Json, v2Unwrap } from "./v2-answer.ts";
import { partitionNumber } from "./v3-resource.ts";

const produces = {
  method: "POST",
  lambda: "produce",
  query: produceQuery,
  headers: producerHeaders,
  accepts: [V2_BINARY_TYPE, V2_EMBEDDED_JSON_TYPE],
  response: { status: 200, schema: schema.produced, mediaTypes: [V2_JSON_TYPE, JSON_TYPE] },
} as const;

type ProduceQuery = Parameters<typeof produceTerms>[0];

export const v2ProduceRoutes: readonly Route[] = [
  route({
    ...produces,
    path: "/topics/{topic_name}",
    operationId: "v2ProduceToTopic",
    summary: "Produces records to a topic; a record may name its partition.",
    body: schema.produceBody,
    reads: schema.produceRecords,
    handle: (context) => produce(context, recordsOf(context.body)),
  }),
  route({
    ...produces,
    path: "/topics/{topic_name}/partitions/{partition_id}",
    operationId: "v2ProduceToPartition",
    summary: "Produces records to one partition.",
    body: schema.produceBody,
    reads: schema.produceRecords,
    handle: async (context) => {
      const partition = partitionNumber(context.params["partition_id"]!);
      if (partition === undefined) throw partitionNotFound();
      const records = recordsOf(context.body).map((record) => {
        if ((record.partition ?? partition) === partition) return { ...record, partition };
        throw badRequest(`records: partition ${record.partition} contradicts the path`);
      });
      return produce(context, records, true);
    },
  }),
];

interface GivenRecord {
  readonly key?: unknown;
  readonly value?: unknown;
  readonly partition?: number | null | undefined;
}

/** Errors: 422, as Confluent's, for nothing to produce. */
function recordsOf({
  records,
}: {
  readonly records?: readonly GivenRecord[] | null | undefined;
}): readonly GivenRecord[] {
  if (records !== null && records !== undefined && records.length > 0) return records;
  throw new HttpError(422, 422, "records may not be empty", 'send {"records":[{"value":…}]}');
}

async function produce(
  context: RouteContext<ProduceQuery>,
  given: readonly GivenRecord[],
  isPinned = false,
): Promise<HttpResponse> {
  if (given.length > MAX_RECORDS_PER_REQUEST) {
    throw new HttpError(422, 42206, `more than ${MAX_RECORDS_PER_REQUEST} records in one request`);
  }
  const isBinary = mediaType(context.request.headers.get("content-type")) === V2_BINARY_TYPE;
  const records = given.map(
    ({ key, value, partition }, index): RecordToProduce => ({
      key: bytesOf(key, isBinary, `records.${index}.key`),
      value: bytesOf(value, isBinary, `records.${index}.value`),
      headers: [],
      ...(partition === null || partition === undefined ? {} : { partition }),
    }),
  );
  const terms = produceTerms(context.query, context.request);
  const topic = context.params["topic_name"]!;
  const { results } = v2Unwrap(await produceRecords(context.broker, { topic, records, ...terms }));
  // Records of one partition are refused for its absence together.
  if (isPinned && results.some((result) => !result.ok && result.refusal.code === "UNKNOWN_TOPIC_OR_PARTITION")) {
    throw partitionNotFound();
  }
  const offsets = results.map((result, index) => offsetBody(result, records[index]!));
  return v2Json(context, { key_schema_id: null, value_schema_id: null, offsets });
}

/** Errors: 422 (42203), as Confluent's, for what is not base64 in the binary format. */
function bytesOf(data: unknown, isBinary: boolean, what: string): Uint8Array | null {
  if (data === null || data === undefined) return null;
  if (!isBinary) return Buffer.from(JSON.stringify(data));
  try {
    if (typeof data === "string") return base64Bytes(data, what);
  } catch (error) {
    if (!(error instanceof HttpError)) throw error;
  }
  throw new HttpError(
    422,
    42203,
    `Conversion of JSON to Object failed: ${what} is not base64`,
    `use ${V2_EMBEDDED_JSON_TYPE} for JSON`,
  );
}

/** It is one of thousands in an answer. */
const MAX_ERROR_BYTES = 400;

/** error_code 1: do not retry; 2: it may be retried. */
function offsetBody(result: RecordResult, record: RecordToProduce) {
  if (result.ok)
    return { partition: result.value.partition, offset: result.value.offset, error_code: null, error: null };
  const { code, message } = result.refusal;
  const isUnknownPartition = code === "UNKNOWN_TOPIC_OR_PARTITION";
  const error_code = ERROR_CODES[code].retriable && !isUnknownPartition ? 2 : 1;
  return {
    partition: record.partition ?? null,
    offset: null,
    error_code,
    error: cut(`${code}: ${message}`, MAX_ERROR_BYTES),
  };
}
