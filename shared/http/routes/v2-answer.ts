import type { Refusal } from "../../kafka/kafka-error.ts";
import { HTTP_CODES, HttpError, refusalError } from "../http-error.ts";
import { type HttpResponse, json } from "../http-message.ts";
import type { RouteContext } from "../route.ts";

/** An answer in the v2 type that the client likes best. */
export function v2Json({ mediaType }: RouteContext, body: unknown): HttpResponse {
  return json(200, body, { "content-type": mediaType });
}

/** v2 tells an unknown topic by 40401. */
export function v2Unwrap<T>(result: { ok: true; value: T } | { ok: false; refusal: Refusal }): T {
  if (result.ok) return result.value;
  const { refusal } = result;
  throw refusalError(
    refusal,
    refusal.code === "UNKNOWN_TOPIC_OR_PARTITION" ? { status: 404, errorCode: 40401 } : HTTP_CODES[refusal.code],
  );
}

/** v2 tells an unknown partition by 40402. */
export function partitionNotFound(hint?: string): HttpError {
  return new HttpError(404, 40402, "Partition not found.", hint, { kafka_error: "UNKNOWN_TOPIC_OR_PARTITION" });
}
