import * as z from "zod/mini";
import { MAX_FETCH_BYTES, MAX_PRODUCE_TIMEOUT_MS, MAX_WAIT_MS } from "../../kafka/limits.ts";
import { PARTITION_FILTERS } from "../../kafka/partition-filter.ts";
import { atFirstUse } from "./at-first-use.ts";

/** An integer in a path, a query or a header: text on its way, in the OpenAPI document a number within its bounds. */
export function integer(min: number, max = Number.MAX_SAFE_INTEGER) {
  const checked = z
    .pipe(z.string().check(z.regex(/^-?\d{1,19}$/, "must be an integer")), z.transform(Number))
    .check(z.refine((value) => value >= min && value <= max, `must be from ${min} to ${max}`));
  const isBounded = max < Number.MAX_SAFE_INTEGER;
  return checked.register(z.globalRegistry, {
    type: "integer",
    pattern: undefined,
    minimum: min,
    ...(isBounded ? { maximum: max } : {}),
  });
}

const booleanText = atFirstUse(() =>
  z.pipe(
    z.enum(["true", "false"]),
    z.transform((text) => text === "true"),
  ),
);

/** A topic's name is at most 249 characters long. */
const MAX_TOKEN_LENGTH = 249;

const ACKS = { "0": 0, "1": 1, "-1": -1, all: -1 } as const;

/** Query parameters of every route that produces. */
export const produceQuery = atFirstUse(() =>
  z.strictObject({
    acks: z.optional(
      z.pipe(
        z.enum(["0", "1", "-1", "all"]),
        z.transform((acks) => ACKS[acks]),
      ),
    ),
    timeout_ms: z.optional(integer(1, MAX_PRODUCE_TIMEOUT_MS)),
    expected_offset: z.optional(integer(0)),
  }),
);

const FORMATS = ["BINARY", "STRING", "JSON"] as const;
const format = atFirstUse(() =>
  z.optional(
    z.pipe(
      z.pipe(
        z.string(),
        z.transform((text) => text.toUpperCase()),
      ),
      z.enum(FORMATS),
    ),
  ),
);

/** Where a fetch may begin by name: the ends of the log, where its items begin, and what lies last in a segment. */
const START_OFFSETS = ["earliest", "latest", "earliest_local", "latest_tiered"] as const;
export type StartOffset = (typeof START_OFFSETS)[number];

/** Query parameters of a fetch. */
export const fetchQuery = atFirstUse(() =>
  z.strictObject({
    offset: z.optional(
      z.union([z.enum(START_OFFSETS), integer(0)], `must be ${START_OFFSETS.join(", ")} or an integer from 0`),
    ),
    timestamp: z.optional(integer(0)),
    max_bytes: z.optional(integer(1, MAX_FETCH_BYTES)),
    min_bytes: z.optional(integer(0, MAX_FETCH_BYTES)),
    timeout_ms: z.optional(integer(0, MAX_WAIT_MS)),
    key_format: format(),
    value_format: format(),
  }),
);

export const noQuery = atFirstUse(() => z.strictObject({}));

/** Of lists that may be too long for one answer: what the `next` link of a page carries. */
const pageToken = atFirstUse(() => z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_TOKEN_LENGTH))));
export const pageQuery = atFirstUse(() => z.strictObject({ page_token: pageToken() }));

/** Of the partitions of all topics. */
export const partitionsQuery = atFirstUse(() =>
  z.strictObject({ filter: z.optional(z.enum(PARTITION_FILTERS)), page_token: pageToken() }),
);

/** Confluent spells the parameter in one way for a topic, in the other for all. */
const authorizedOperations = atFirstUse(() => ({ include_authorized_operations: z.optional(booleanText()) }));
export const topicQuery = atFirstUse(() => z.strictObject(authorizedOperations()));
export const topicsQuery = atFirstUse(() =>
  z.strictObject({
    ...authorizedOperations(),
    includeAuthorizedOperations: z.optional(booleanText()),
    page_token: pageToken(),
  }),
);

export const offsetTypeQuery = atFirstUse(() =>
  z.strictObject({ offset_type: z.optional(z.literal("earliest_and_latest")) }),
);

/** Headers of an idempotent produce, all or none. */
export const producerHeaders = atFirstUse(() =>
  z.object({
    "producer-id": integer(0),
    "producer-epoch": integer(0, 2 ** 15 - 1),
    "producer-sequence": integer(0, 2 ** 31 - 1),
  }),
);
