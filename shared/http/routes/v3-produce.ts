import { produceBatches } from "../../broker/produce-batches.ts";
import { produceRecords, type RecordResult } from "../../broker/produce-records.ts";
import { MAX_RECORDS_PER_REQUEST } from "../../kafka/limits.ts";
import { badRequest, HttpError, refusalError, unwrap } from "../http-error.ts";
import { type HttpResponse, JSON_TYPE, json, mediaType, RECORD_BATCHES_TYPE } from "../http-message.ts";
import { bodyText, emptyBody, parseRequest, splitObjects } from "../json-text.ts";
import { produceTerms } from "../produce-terms.ts";
import { type EncodedRecord, encodeRecord } from "../record-data.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import { check } from "../schema/check.ts";
import { produceQuery, producerHeaders } from "../schema/parameters.ts";
import * as schema from "../schema/record-schema.ts";
import { checkCluster, partitionOf } from "./v3-resource.ts";

const TOPIC = "/v3/clusters/{cluster_id}/topics/{topic_name}";
type ProduceContext = RouteContext<Parameters<typeof produceTerms>[0]>;

export const produceRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "produce",
    path: `${TOPIC}/records`,
    operationId: "produceRecord",
    summary: "Produces records: one JSON object, or several one after the other; answered in their order.",
    query: produceQuery,
    headers: producerHeaders,
    reads: schema.produceRecord,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.producedRecord, mediaTypes: [JSON_TYPE] },
    handle: (context) => produceObjects(context),
  }),
  route({
    method: "POST",
    lambda: "produce",
    path: `${TOPIC}/partitions/{partition_id}/records`,
    operationId: "produceToPartition",
    summary: "Produces to one partition: records as JSON, or RecordBatches v2 as they are.",
    query: produceQuery,
    headers: producerHeaders,
    reads: schema.produceRecord,
    accepts: [JSON_TYPE, RECORD_BATCHES_TYPE],
    response: { status: 200, schema: schema.producedRecordOrBatches, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const partition = partitionOf(context);
      const isRaw = mediaType(context.request.headers.get("content-type")) === RECORD_BATCHES_TYPE;
      return isRaw ? produceRaw(context, partition) : produceObjects(context, partition);
    },
  }),
  route({
    method: "POST",
    lambda: "produce",
    path: `${TOPIC}/records:batch`,
    operationId: "produceRecordsBatch",
    summary: "Produces records with ids; each succeeds or fails by itself.",
    query: produceQuery,
    headers: producerHeaders,
    body: schema.produceBatchBody,
    reads: schema.produceBatchEntries,
    accepts: [JSON_TYPE],
    response: { status: 207, schema: schema.producedBatch, mediaTypes: [JSON_TYPE] },
    handle: (context) => produceBatch(context),
  }),
];

/** What becomes of each object: its answer's body, in order. An object that is wrong in itself fails alone. */
async function produce(context: ProduceContext, encoded: readonly (EncodedRecord | HttpError)[]) {
  const clusterId = await checkCluster(context);
  const topic = context.params["topic_name"]!;
  const terms = produceTerms(context.query, context.request);
  const sound = encoded.filter((entry): entry is EncodedRecord => !(entry instanceof HttpError));
  if (terms.producer !== undefined && sound.length < encoded.length) {
    throw badRequest("an idempotent produce is refused as a whole: one of its records is wrong");
  }
  const records = sound.map(({ record }) => record);
  const { results } = unwrap(await produceRecords(context.broker, { topic, records, ...terms }));
  let next = 0;
  return encoded.map((entry) => {
    if (entry instanceof HttpError) return entry;
    const result = results[next++]!;
    return result.ok ? producedBody(clusterId, topic, entry, result.value) : refusalError(result.refusal);
  });
}

async function produceObjects(context: ProduceContext, partition?: number): Promise<HttpResponse> {
  const texts = splitObjects(bodyText(context.request.body), MAX_RECORDS_PER_REQUEST);
  if (texts.length === 0) throw emptyBody('send {"value":{"type":"JSON","data":…}}');
  const objects = texts.map(parseRequest);
  const encoded = objects.map((object) =>
    encodeOrError(() => pinned(check(schema.produceRecord(), object, "field"), partition)),
  );
  const only = encoded[0]!;
  if (encoded.length === 1 && only instanceof HttpError) throw only;
  const bodies = await produce(context, encoded);
  const [first] = bodies;
  if (bodies.length === 1 && first instanceof HttpError) return first.toResponse();
  if (bodies.length === 1) return json(200, { error_code: 200, ...first });
  const answers = bodies.map((body) => (body instanceof HttpError ? body.shortBody : { error_code: 200, ...body }));
  const body = answers.map((answer) => `${JSON.stringify(answer)}\r\n`).join("");
  return { status: 200, headers: { "content-type": JSON_TYPE }, body };
}

async function produceBatch(context: ProduceContext & { body: { entries: unknown[] } }): Promise<HttpResponse> {
  const { entries } = context.body;
  const refuse = (message: string) => new HttpError(422, 42208, message);
  if (entries.length === 0) throw refuse("Empty batch.");
  if (entries.length > MAX_RECORDS_PER_REQUEST)
    throw refuse(`Too many entries in batch: at most ${MAX_RECORDS_PER_REQUEST}.`);
  const ids = entries.map((entry) => (entry as { id?: unknown } | null)?.id);
  if (!ids.every((id): id is string => typeof id === "string" && /^[\w-]{1,80}$/.test(id))) {
    throw refuse("Batch entry identifier is not a valid string.");
  }
  if (new Set(ids).size < ids.length) throw refuse("Batch entry IDs are not distinct.");
  const encoded = entries.map((entry) =>
    encodeOrError(() => {
      const { id: _, ...record } = check(schema.produceBatchEntry(), entry, "field");
      return record;
    }),
  );
  const bodies = await produce(context, encoded);
  const successes: unknown[] = [];
  const failures: unknown[] = [];
  for (const [index, body] of bodies.entries()) {
    if (body instanceof HttpError) failures.push({ id: ids[index], ...body.shortBody });
    else successes.push({ id: ids[index], ...body });
  }
  return json(207, { successes, failures });
}

async function produceRaw(context: ProduceContext, partition: number): Promise<HttpResponse> {
  const clusterId = await checkCluster(context);
  const topic = context.params["topic_name"]!;
  const { producer, ...terms } = produceTerms(context.query, context.request);
  if (producer !== undefined)
    throw badRequest("RecordBatches carry their producer themselves", "leave the headers out");
  const request = { topic, partition, batches: context.request.body, ...terms };
  const produced = unwrap(await produceBatches(context.broker, request));
  return json(200, {
    error_code: 200,
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: partition,
    base_offset: produced.baseOffset,
    last_offset: produced.lastOffset,
    log_append_time: produced.logAppendTime,
    log_start_offset: produced.logStartOffset,
    is_duplicate: produced.isDuplicate,
  });
}

function producedBody(
  clusterId: string,
  topic: string,
  { key, value }: EncodedRecord,
  produced: (RecordResult & { ok: true })["value"],
) {
  const told = (data: typeof key) =>
    data === undefined ? undefined : { type: data.type, size: data.bytes?.length ?? 0 };
  return {
    cluster_id: clusterId,
    topic_name: topic,
    partition_id: produced.partition,
    offset: produced.offset,
    timestamp: new Date(produced.timestamp).toISOString(),
    key: told(key),
    value: told(value),
  };
}

function encodeOrError(given: () => schema.ProduceRecord): EncodedRecord | HttpError {
  try {
    return encodeRecord(given());
  } catch (error) {
    if (error instanceof HttpError) return error;
    throw error;
  }
}

function pinned(record: schema.ProduceRecord, partition: number | undefined): schema.ProduceRecord {
  if (partition === undefined) return record;
  if (record.partition_id !== undefined && record.partition_id !== null && record.partition_id !== partition) {
    throw badRequest(`partition_id ${record.partition_id} contradicts the path`);
  }
  return { ...record, partition_id: partition };
}
