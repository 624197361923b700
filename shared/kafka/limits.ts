/**
 * Bytes of a request's body. Lambda takes an event of less than 6,291,456 bytes of JSON; in base64 the body is 5,592,408 of
 * them, and the event's other fields (API Gateway takes 10,240 bytes of headers, and hands them over twice) have the rest.
 * https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
 */
export const MAX_REQUEST_BYTES = 4 * 1024 * 1024;

/** Bytes of an answer's body: in base64 6,133,336 of the 6,291,556 bytes of JSON that Lambda takes for an answer. */
export const MAX_RESPONSE_BYTES = 4_600_000;

/** Bytes of RecordBatches in one answer: 6 MB of Lambda's answer, less base64 and JSON around them. */
export const MAX_FETCH_BYTES = 3 * 1024 * 1024;

/**
 * Bytes of RecordBatches in an answer of nothing else, unless it was told: what MAX_RESPONSE_BYTES has room for. What lies in segments is read by one
 * request for all of it: an answer that costs two, because its process knew not even the index, still takes less than one for two MiB.
 */
export const MAX_RAW_FETCH_BYTES = 4_456_448;

/** Kafka's default for max.partition.fetch.bytes. */
export const DEFAULT_FETCH_BYTES = 1024 * 1024;

/** API Gateway gives a request 29 s; a long poll must be over before. https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html */
export const MAX_WAIT_MS = 25_000;

/** Kafka's request.timeout.ms is 30 s; API Gateway's 29 s come first. */
export const DEFAULT_PRODUCE_TIMEOUT_MS = 20_000;
export const MAX_PRODUCE_TIMEOUT_MS = 25_000;

export const MAX_TOPICS = 10_000;
export const MAX_PARTITIONS_PER_TOPIC = 1_000;

/** What is told of each, with the longest names and ids, must fit into one answer: some 560 bytes. */
export const MAX_RECORDS_PER_REQUEST = 8_000;
export const MAX_HEADERS_PER_RECORD = 1_000;

/** Levels of arrays and objects in a JSON body. */
export const MAX_JSON_DEPTH = 100;

/** The largest batch a topic may allow: it must fit into a request and into an answer. */
export const MAX_MESSAGE_BYTES = 3 * 1024 * 1024;

/** An item holds 400 KB in DynamoDB, keys and names included; beyond a quarter of it S3 is by far the cheaper place. */
export const MAX_INLINE_BYTES = 256 * 1024;
