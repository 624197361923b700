import type { InstanceFormat } from "../../broker/consumers/instance.ts";
import { pollInstance } from "../../broker/consumers/poll-instance.ts";
import { DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES } from "../../kafka/limits.ts";
import { negotiate } from "../accept.ts";
import { HttpError } from "../http-error.ts";
import { V2_BINARY_TYPE, V2_EMBEDDED_JSON_TYPE, V2_JSON_TYPE, V2_SCHEMA_TYPES } from "../http-message.ts";
import { type Route, type RouteContext, route } from "../route.ts";
import * as schema from "../schema/v2-consumer-schema.ts";
import { callOf, INSTANCE_PATH, instanceUnwrap } from "./v2-consumer-answer.ts";
import { v2RecordList } from "./v2-consumer-record-list.ts";

const TYPE_OF: Readonly<Record<InstanceFormat, string>> = { binary: V2_BINARY_TYPE, json: V2_EMBEDDED_JSON_TYPE };

const HEAD_REFUSED = new HttpError(405, 405, "HTTP 405 Method Not Allowed", "to read is to take: GET");

export const v2ConsumerRecordRoutes: readonly Route[] = [
  route({
    method: "GET",
    lambda: "coordinator",
    path: `${INSTANCE_PATH}/records`,
    operationId: "v2ReadRecords",
    summary: "Reads on, in the instance's format; waits for records up to the timeout.",
    query: schema.recordsQuery,
    accepts: [],
    response: {
      status: 200,
      schema: schema.records,
      mediaTypes: [V2_BINARY_TYPE, V2_EMBEDDED_JSON_TYPE, V2_JSON_TYPE],
      // 40601, as any format but the instance's.
      refusedTypes: V2_SCHEMA_TYPES,
    },
    handle: async (context) => {
      const { query, request, broker } = context;
      // Its records would be handed out, and nobody would see them.
      if (request.method === "HEAD") return HEAD_REFUSED.toResponse({ allow: "GET, OPTIONS" });
      const { timeout = -1, max_bytes: maxBytes = -1 } = query;
      const most = maxBytes <= 0 ? DEFAULT_FETCH_BYTES : Math.min(maxBytes, MAX_FETCH_BYTES);
      // As a fetch: the next read may reach another process.
      const mostCold = maxBytes <= 0 ? MAX_FETCH_BYTES : most;
      const polled = await pollInstance(
        broker,
        {
          ...callOf(context),
          formats: formatsOf(context),
          ...(timeout <= 0 ? {} : { timeoutMs: timeout }),
          maxBytes: most,
          maxColdBytes: mostCold,
          ...(request.signal === undefined ? {} : { signal: request.signal }),
        },
        (found, format) => v2RecordList(found, format, mostCold),
      );
      const { format, texts } = instanceUnwrap(polled);
      const type = typeOf(context, format)!;
      return { status: 200, headers: { "content-type": type }, body: `[${texts.join(",")}]` };
    },
  }),
];

function formatsOf(context: RouteContext): InstanceFormat[] {
  return (["binary", "json"] as const).filter((format) => typeOf(context, format) !== undefined);
}

/** The media type that an answer in a format may have for this client; undefined: none. */
function typeOf({ request }: RouteContext, format: InstanceFormat): string | undefined {
  try {
    return negotiate(request.headers.get("accept"), [TYPE_OF[format], V2_JSON_TYPE]);
  } catch (error) {
    if (error instanceof HttpError) return undefined;
    throw error;
  }
}
