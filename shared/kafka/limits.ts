/**
 * Bytes of a request's body. Lambda takes 6 MB of JSON event with the body in it; base64 and the event's other fields take their
 * part. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** Bytes of RecordBatches in one answer: 6 MB of Lambda's answer, less base64 and JSON around them. */
export const MAX_FETCH_BYTES = 3 * 1024 * 1024;

/** Kafka's default for max.partition.fetch.bytes. */
export const DEFAULT_FETCH_BYTES = 1024 * 1024;

/** API Gateway gives a request 29 s; a long poll must be over before. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
export const MAX_WAIT_MS = 25_000;

/** Kafka's request.timeout.ms is 30 s; API Gateway's 29 s come first. */
export const DEFAULT_PRODUCE_TIMEOUT_MS = 20_000;
export const MAX_PRODUCE_TIMEOUT_MS = 25_000;

export const MAX_TOPICS = 10_000;
export const MAX_PARTITIONS_PER_TOPIC = 1_000;

export const MAX_RECORDS_PER_REQUEST = 10_000;
export const MAX_HEADERS_PER_RECORD = 1_000;

/** Levels of arrays and objects in a JSON body. */
export const MAX_JSON_DEPTH = 100;

/** The largest batch a topic may allow: it must fit into a request and into an answer. */
export const MAX_MESSAGE_BYTES = 3 * 1024 * 1024;

/** An item holds 400 KB in DynamoDB, keys and names included; beyond a quarter of it S3 is by far the cheaper place. */
export const MAX_INLINE_BYTES = 256 * 1024;
