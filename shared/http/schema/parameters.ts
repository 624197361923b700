import { z } from "zod";
import { MAX_FETCH_BYTES, MAX_PRODUCE_TIMEOUT_MS, MAX_WAIT_MS } from "../../kafka/limits.ts";

/** An integer in a path, a query or a header. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  return z
    .string()
    .regex(/^-?\d{1,19}$/, "must be an integer")
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`);
}

export const booleanText = z.enum(["true", "false"]).transform((text) => text === "true");

/** A topic's name is at most 249 characters long. */
const MAX_TOKEN_LENGTH = 249;

const ACKS = { "0": 0, "1": 1, "-1": -1, all: -1 } as const;

/** Query parameters of every route that produces. */
export const produceQuery = z.strictObject({
  acks: z
    .enum(["0", "1", "-1", "all"])
    .transform((acks) => ACKS[acks])
    .optional(),
  timeout_ms: integer(1, MAX_PRODUCE_TIMEOUT_MS).optional(),
  expected_offset: integer(0).optional(),
});

const FORMATS = ["BINARY", "STRING", "JSON"] as const;
const format = z
  .string()
  .transform((text) => text.toUpperCase())
  .pipe(z.enum(FORMATS));

/** Query parameters of a fetch. */
export const fetchQuery = z.strictObject({
  offset: z
    .union([z.enum(["earliest", "latest"]), integer(0)], "must be earliest, latest or an integer from 0")
    .optional(),
  timestamp: integer(0).optional(),
  max_bytes: integer(1, MAX_FETCH_BYTES).optional(),
  min_bytes: integer(0, MAX_FETCH_BYTES).optional(),
  timeout_ms: integer(0, MAX_WAIT_MS).optional(),
  key_format: format.optional(),
  value_format: format.optional(),
});

export const noQuery = z.strictObject({});

/** Of lists that may be too long for one answer: what the `next` link of a page carries. */
const pageToken = z.string().min(1).max(MAX_TOKEN_LENGTH).optional();
export const pageQuery = z.strictObject({ page_token: pageToken });

/** Confluent spells the parameter in one way for a topic, in the other for all. */
const authorizedOperations = { include_authorized_operations: booleanText.optional() };
export const topicQuery = z.strictObject(authorizedOperations);
export const topicsQuery = z.strictObject({
  ...authorizedOperations,
  includeAuthorizedOperations: booleanText.optional(),
  page_token: pageToken,
});

export const offsetTypeQuery = z.strictObject({ offset_type: z.literal("earliest_and_latest").optional() });

/** Headers of an idempotent produce, all or none. */
export const producerHeaders = z.object({
  "producer-id": integer(0),
  "producer-epoch": integer(0, 2 ** 15 - 1),
  "producer-sequence": integer(0, 2 ** 31 - 1),
});
