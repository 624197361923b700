import type { ErrorCode } from "../kafka/error-code.ts";
import type { Refusal } from "../kafka/kafka-error.ts";
import { type HttpResponse, json } from "./http-message.ts";

/** An answer that is an error, in Confluent's form: `{"error_code", "message"}`, and what helps beyond it. */
export class HttpError extends Error {
  readonly status: number;
  readonly errorCode: number;
  readonly hint: string | undefined;
  readonly fields: Readonly<Record<string, unknown>>;

  constructor(status: number, errorCode: number, message: string, hint?: string, fields: Record<string, unknown> = {}) {
    super(message);
    this.status = status;
    this.errorCode = errorCode;
    this.hint = hint;
    this.fields = fields;
  }

  get body(): Record<string, unknown> {
    return this.#body(MAX_TEXT_BYTES, MAX_TEXT_BYTES);
  }

  /** The body where it is one of thousands in an answer. */
  get shortBody(): Record<string, unknown> {
    return this.#body(MAX_SHORT_MESSAGE_BYTES, MAX_SHORT_HINT_BYTES);
  }

  #body(messageBytes: number, hintBytes: number): Record<string, unknown> {
    const { errorCode: error_code, hint, fields } = this;
    const message = cut(this.message, messageBytes);
    return { error_code, message, ...(hint === undefined ? {} : { hint: cut(hint, hintBytes) }), ...fields };
  }

  toResponse(headers: Readonly<Record<string, string>> = {}): HttpResponse {
    const retryAfter: Record<string, string> = this.status === 429 || this.status === 503 ? { "retry-after": "1" } : {};
    return json(this.status, this.body, { ...retryAfter, ...headers });
  }
}

/** Bytes of JSON that a text in an answer may take: some repeat what was sent. */
const MAX_TEXT_BYTES = 2_000;
const MAX_SHORT_MESSAGE_BYTES = 250;
const MAX_SHORT_HINT_BYTES = 100;

/** A text that takes no more than that in JSON, where the worst of characters takes six bytes. */
export function cut(text: string, maxBytes: number): string {
  if (text.length <= maxBytes && Buffer.byteLength(JSON.stringify(text)) <= maxBytes) return text;
  return `${text.slice(0, Math.floor((maxBytes - 5) / 6))}...`;
}

/** A request that is wrong in itself: 400, or 422 where v2 says so. */
export function badRequest(message: string, hint?: string): HttpError {
  return new HttpError(400, 400, message, hint);
}

interface HttpCode {
  readonly status: number;
  readonly errorCode: number;
}

const BAD_REQUEST: HttpCode = { status: 400, errorCode: 40002 };
const CONFLICT: HttpCode = { status: 409, errorCode: 409 };
const TRY_AGAIN: HttpCode = { status: 503, errorCode: 50003 };
const NOT_FOUND: HttpCode = { status: 404, errorCode: 40403 };
const TOO_LARGE: HttpCode = { status: 413, errorCode: 413 };
const INVALID_PAYLOAD: HttpCode = { status: 422, errorCode: 42206 };

/**
 * Kafka's errors in HTTP: the one table of it. Codes are Confluent's where it has one: 40002 for requests that Kafka
 * refuses, 40403 for what it does not know, 422xx for payloads, 50003 for what may be retried.
 */
export const HTTP_CODES: Readonly<Record<ErrorCode, HttpCode>> = {
  NONE: { status: 200, errorCode: 200 },
  UNKNOWN_SERVER_ERROR: { status: 502, errorCode: 50002 },
  OFFSET_OUT_OF_RANGE: { status: 416, errorCode: 416 },
  CORRUPT_MESSAGE: INVALID_PAYLOAD,
  UNKNOWN_TOPIC_OR_PARTITION: NOT_FOUND,
  LEADER_NOT_AVAILABLE: TRY_AGAIN,
  NOT_LEADER_OR_FOLLOWER: TRY_AGAIN,
  REQUEST_TIMED_OUT: { status: 504, errorCode: 50003 },
  MESSAGE_TOO_LARGE: TOO_LARGE,
  OFFSET_METADATA_TOO_LARGE: INVALID_PAYLOAD,
  COORDINATOR_NOT_AVAILABLE: TRY_AGAIN,
  INVALID_TOPIC_EXCEPTION: BAD_REQUEST,
  RECORD_LIST_TOO_LARGE: TOO_LARGE,
  NOT_ENOUGH_REPLICAS: TRY_AGAIN,
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: TRY_AGAIN,
  INVALID_REQUIRED_ACKS: BAD_REQUEST,
  ILLEGAL_GENERATION: CONFLICT,
  INCONSISTENT_GROUP_PROTOCOL: CONFLICT,
  INVALID_GROUP_ID: BAD_REQUEST,
  UNKNOWN_MEMBER_ID: NOT_FOUND,
  INVALID_SESSION_TIMEOUT: BAD_REQUEST,
  REBALANCE_IN_PROGRESS: CONFLICT,
  INVALID_COMMIT_OFFSET_SIZE: TOO_LARGE,
  INVALID_TIMESTAMP: INVALID_PAYLOAD,
  UNSUPPORTED_VERSION: BAD_REQUEST,
  TOPIC_ALREADY_EXISTS: BAD_REQUEST,
  INVALID_PARTITIONS: BAD_REQUEST,
  INVALID_REPLICATION_FACTOR: BAD_REQUEST,
  INVALID_REPLICA_ASSIGNMENT: BAD_REQUEST,
  INVALID_CONFIG: BAD_REQUEST,
  INVALID_REQUEST: BAD_REQUEST,
  UNSUPPORTED_FOR_MESSAGE_FORMAT: BAD_REQUEST,
  POLICY_VIOLATION: BAD_REQUEST,
  OUT_OF_ORDER_SEQUENCE_NUMBER: CONFLICT,
  DUPLICATE_SEQUENCE_NUMBER: CONFLICT,
  INVALID_PRODUCER_EPOCH: CONFLICT,
  KAFKA_STORAGE_ERROR: TRY_AGAIN,
  UNKNOWN_PRODUCER_ID: CONFLICT,
  NON_EMPTY_GROUP: CONFLICT,
  GROUP_ID_NOT_FOUND: NOT_FOUND,
  FENCED_LEADER_EPOCH: TRY_AGAIN,
  UNKNOWN_LEADER_EPOCH: TRY_AGAIN,
  UNSUPPORTED_COMPRESSION_TYPE: INVALID_PAYLOAD,
  MEMBER_ID_REQUIRED: CONFLICT,
  PREFERRED_LEADER_NOT_AVAILABLE: TRY_AGAIN,
  GROUP_MAX_SIZE_REACHED: CONFLICT,
  FENCED_INSTANCE_ID: CONFLICT,
  ELIGIBLE_LEADERS_NOT_AVAILABLE: TRY_AGAIN,
  ELECTION_NOT_NEEDED: CONFLICT,
  GROUP_SUBSCRIBED_TO_TOPIC: CONFLICT,
  INVALID_RECORD: INVALID_PAYLOAD,
  THROTTLING_QUOTA_EXCEEDED: { status: 429, errorCode: 42900 },
  UNKNOWN_TOPIC_ID: NOT_FOUND,
  FENCED_MEMBER_EPOCH: CONFLICT,
  UNRELEASED_INSTANCE_ID: CONFLICT,
  UNSUPPORTED_ASSIGNOR: BAD_REQUEST,
  STALE_MEMBER_EPOCH: CONFLICT,
  INVALID_REGULAR_EXPRESSION: BAD_REQUEST,
  EXPECTED_OFFSET_MISMATCH: CONFLICT,
};

/** What a refusal may carry beyond its code. */
interface Offsets {
  readonly logEndOffset?: number;
  readonly logStartOffset?: number;
  readonly highWatermark?: number;
}

/** A refusal of the broker as an HTTP error, with Kafka's name of it and the offsets it carries. */
export function refusalError(refusal: Refusal & Offsets, codes: HttpCode = HTTP_CODES[refusal.code]): HttpError {
  const { logEndOffset, logStartOffset, highWatermark } = refusal;
  return new HttpError(codes.status, codes.errorCode, refusal.message, refusal.hint, {
    kafka_error: refusal.code,
    ...(logEndOffset === undefined ? {} : { log_end_offset: logEndOffset }),
    ...(logStartOffset === undefined ? {} : { log_start_offset: logStartOffset }),
    ...(highWatermark === undefined ? {} : { high_watermark: highWatermark }),
  });
}

/** The value, or the refusal thrown as an HTTP error. */
export function unwrap<T>(result: { ok: true; value: T } | { ok: false; refusal: Refusal & Offsets }): T {
  if (result.ok) return result.value;
  throw refusalError(result.refusal);
}
