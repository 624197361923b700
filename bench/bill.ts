import { writeUnits } from "./item-size.ts";
import { API_GATEWAY_REQUESTS, PRICES, tiered } from "./prices.ts";

/**
 * What a request to a deployment at its default settings uses, and what that costs: counted requests and units, list prices
 * (prices.ts), and times that are assumed, since only AWS could tell them:
 */
const MEMORY_GB = 1;
const REQUEST_MS = 10;
/** DynamoDB requests beyond the first: lost puts, reads that catch up. Waits between them are left out. */
const FURTHER_REQUEST_MS = 6;
const OBJECT_PUT_MS = 30;
/** One after the other. */
const OBJECT_GET_MS = 20;
/** Base64, checks and transfer of a body. */
const MIB_MS = 30;

export const [KIB, MIB, GIB] = [2 ** 10, 2 ** 20, 2 ** 30];
/** Bytes of an inline item beside its batches, as bench/write-units.ts counts them. */
export const ITEM_OVERHEAD = 200;
export const DEFAULT_INLINE_MAX_BYTES = 32 * KIB;
/** Lambda's lines START, END and REPORT, one of metrics, 26 bytes for each. */
const LOG_BYTES = 750;

export const NOTHING = { requests: 0, gbSeconds: 0, written: 0, read: 0, objectPuts: 0, objectGets: 0, logBytes: 0 };
export type Usage = typeof NOTHING;

/** What an append takes beyond its one put: bench/environments.ts counts it. */
export interface Contention {
  readonly puts: number;
  readonly reads: number;
  /** Write units of puts that met another writer's item. */
  readonly lostUnits: number;
  readonly readUnits: number;
}

export const ALONE: Contention = { puts: 1, reads: 0, lostUnits: 0, readUnits: 0 };

/** `inlineMaxBytes`: the topic's, or, where slots were lost, the writer's own CONTENDED_INLINE_MAX_BYTES if that is less. */
export function appendUsage(bytes: number, inlineMaxBytes = DEFAULT_INLINE_MAX_BYTES, contention = ALONE): Usage {
  const isInline = bytes <= inlineMaxBytes;
  const { puts, reads, lostUnits, readUnits } = contention;
  const ms = REQUEST_MS + (puts - 1 + reads) * FURTHER_REQUEST_MS + (isInline ? 0 : OBJECT_PUT_MS);
  return {
    ...requestUsage(ms + (bytes / MIB) * MIB_MS),
    written: writeUnits(ITEM_OVERHEAD + (isInline ? bytes : 0)) + lostUnits,
    read: readUnits,
    objectPuts: isInline ? 0 : 1,
  };
}

/** A fetch of `bytes` that were appended so many at a time. A strongly consistent read unit is 4 KiB of a page. */
export function fetchUsage(bytes: number, batchBytes: number, inlineMaxBytes = DEFAULT_INLINE_MAX_BYTES): Usage {
  const isInline = batchBytes <= inlineMaxBytes;
  const items = bytes / batchBytes;
  const pageBytes = items * ITEM_OVERHEAD + (isInline ? bytes : 0);
  const objectGets = isInline ? 0 : items;
  const ms = REQUEST_MS + (bytes / MIB) * MIB_MS + objectGets * OBJECT_GET_MS;
  return { ...requestUsage(ms), read: Math.max(1, pageBytes / 4096), objectGets };
}

/** A fetch that finds nothing: two reads, and one a second for as long as it waits. */
export function emptyFetchUsage(waitedSeconds = 0): Usage {
  return { ...requestUsage(REQUEST_MS + waitedSeconds * 1000), read: 2 + waitedSeconds };
}

function requestUsage(ms: number): Usage {
  return { ...NOTHING, requests: 1, gbSeconds: (ms / 1000) * MEMORY_GB, logBytes: LOG_BYTES };
}

export function times(usage: Usage, count: number): Usage {
  return Object.fromEntries(Object.entries(usage).map(([what, value]) => [what, value * count])) as Usage;
}

export function plus(one: Usage, other: Usage): Usage {
  return Object.fromEntries(
    Object.entries(one).map(([what, value]) => [what, value + other[what as keyof Usage]]),
  ) as Usage;
}

export const SERVICES = ["API Gateway", "Lambda", "DynamoDB", "S3", "logs"] as const;

/** Dollars by SERVICES; logs with a month of keeping them. */
export function bill(usage: Usage): readonly [number, number, number, number, number] {
  return [
    tiered(usage.requests, API_GATEWAY_REQUESTS),
    usage.requests * PRICES.lambdaRequest + usage.gbSeconds * PRICES.lambdaGbSecond,
    usage.written * PRICES.dynamoDbWriteUnit + usage.read * PRICES.dynamoDbReadUnit,
    usage.objectPuts * PRICES.s3Put + usage.objectGets * PRICES.s3Get,
    (usage.logBytes / 1e9) * (PRICES.logGbIn + PRICES.logGbMonth),
  ];
}
