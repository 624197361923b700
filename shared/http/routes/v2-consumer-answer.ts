import type { InstanceCall } from "../../broker/consumers/instance.ts";
import type { InstanceReason, InstanceRefusal, InstanceResult } from "../../broker/consumers/instance-refusal.ts";
import { HTTP_CODES, HttpError, refusalError } from "../http-error.ts";
import { type HttpRequest, JSON_TYPE, V2_BINARY_TYPE, V2_EMBEDDED_JSON_TYPE, V2_JSON_TYPE } from "../http-message.ts";
import { bodyText, parseRequest } from "../json-text.ts";
import type { RouteContext } from "../route.ts";
import { given } from "./given.ts";

export const INSTANCE_PATH = "/consumers/{group_name}/instances/{instance}";

/** Confluent takes the types of embedded formats with every call to a consumer, so that a client may always send one and the same. */
export const CONSUMER_TYPES: readonly string[] = [V2_JSON_TYPE, JSON_TYPE, V2_BINARY_TYPE, V2_EMBEDDED_JSON_TYPE];

export function callOf({ params, request }: RouteContext): InstanceCall {
  const { receivedAt } = request;
  return { groupId: params["group_name"]!, instanceId: params["instance"]!, ...given({ receivedAt }) };
}

/** Confluent's codes and messages: https://github.com/confluentinc/kafka-rest, Errors.java. */
const ERRORS: Readonly<Record<InstanceReason, { status: number; errorCode: number; message?: string }>> = {
  "instance-not-found": { status: 404, errorCode: 40403, message: "Consumer instance not found." },
  "instance-exists": {
    status: 409,
    errorCode: 40902,
    message: "Consumer with specified consumer ID already exists in the specified consumer group.",
  },
  "illegal-state": { status: 409, errorCode: 40903 },
  "format-mismatch": {
    status: 406,
    errorCode: 40601,
    message: "The requested embedded data format does not match the deserializer for this consumer instance",
  },
  "topic-not-found": { status: 404, errorCode: 40401, message: "Topic not found." },
  "partition-not-found": { status: 404, errorCode: 40402, message: "Partition not found." },
  contended: { status: 409, errorCode: 409 },
};

/** The value, or the refusal thrown as an HTTP error. */
export function instanceUnwrap<T>(result: InstanceResult<T>): T {
  if (result.ok) return result.value;
  throw instanceError(result.refusal);
}

function instanceError(refusal: InstanceRefusal): HttpError {
  const { reason, code, message, hint } = refusal;
  if (reason === undefined) {
    if (code === "UNKNOWN_TOPIC_OR_PARTITION") return refusalError(refusal, { status: 404, errorCode: 40401 });
    // 40403 is for the instance: this one is there, and its membership, or its group, is not what the call needs.
    const isOfGroup = code === "UNKNOWN_MEMBER_ID" || code === "GROUP_ID_NOT_FOUND";
    return refusalError(refusal, isOfGroup ? { status: 409, errorCode: 409 } : HTTP_CODES[code]);
  }
  const { status, errorCode, message: theirs } = ERRORS[reason];
  if (reason === "illegal-state") return new HttpError(status, errorCode, `Illegal state: ${message}`, hint);
  if (theirs === undefined) return new HttpError(status, errorCode, message, hint);
  return new HttpError(status, errorCode, theirs, `${message}: ${hint}`);
}

/** 422, with Confluent's code for it. */
export function unprocessable(errorCode: number, message: string, hint?: string): HttpError {
  return new HttpError(422, errorCode, message, hint);
}

/** A body that may be missing: undefined, for `null` too. Errors: 400 for what is not JSON. */
export function optionalBody({ body }: HttpRequest): unknown {
  const text = bodyText(body).trim();
  const parsed = text === "" ? undefined : parseRequest(text);
  return parsed === null ? undefined : parsed;
}
