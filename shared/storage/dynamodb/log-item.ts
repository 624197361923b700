/**
 * A log item in the log table: one per append, written once by a conditional put and changed only by sealing and
 * replication. Write units round up per KiB with keys and attribute names counted, so nothing is stored twice.
 */
import type { ItemPayload, LogItem, LogKey } from "../../log/log-item.ts";
import { type Attributes, attributeToBrokerIds, brokerIdsToAttribute, numberOf } from "./attributes.ts";
import { decodeProducerBatches, encodeProducerBatches } from "./producer-batches.ts";

export function logItemKey(log: LogKey, baseOffset: number): Attributes {
  return { tp: { S: log }, baseOffset: { N: String(baseOffset) } };
}

export function logItemToAttributes(log: LogKey, item: LogItem): Attributes {
  const attributes: Attributes = {
    ...logItemKey(log, item.baseOffset),
    lastOffset: { N: String(item.lastOffset) },
    recordCount: { N: String(item.recordCount) },
    maxTimestamp: { N: String(item.maxTimestamp) },
    leaderEpoch: { N: String(item.leaderEpoch) },
    stamp: { N: String(item.stamp) },
    prevEpoch: { N: String(item.prevEpoch) },
    appendId: { B: Buffer.from(item.appendId, "base64url") },
  };
  if (item.maxTimestampSoFar !== item.maxTimestamp)
    attributes["maxTimestampSoFar"] = { N: String(item.maxTimestampSoFar) };
  if (item.expiresAt !== undefined) attributes["expiresAt"] = { N: String(item.expiresAt) };
  if (item.waitFor !== undefined) attributes["waitFor"] = brokerIdsToAttribute(item.waitFor);
  if (item.highWatermark !== undefined) attributes["highWatermark"] = { N: String(item.highWatermark) };
  const { payload } = item;
  if (payload.kind === "inline") attributes["batches"] = { B: payload.batches };
  if (payload.kind === "object") {
    attributes["object"] = { S: payload.object.key };
    attributes["objectSize"] = { N: String(payload.object.sizeInBytes) };
    if (payload.producerBatches.length > 0) {
      attributes["producers"] = { B: encodeProducerBatches(payload.producerBatches, item.baseOffset) };
    }
  }
  return attributes;
}

export function attributesToLogItem(attributes: Attributes): LogItem {
  const number = (name: string) => numberOf(attributes, name);
  const maxTimestamp = number("maxTimestamp");
  const baseOffset = number("baseOffset");
  return {
    baseOffset,
    lastOffset: number("lastOffset"),
    recordCount: number("recordCount"),
    maxTimestamp,
    maxTimestampSoFar: attributes["maxTimestampSoFar"] === undefined ? maxTimestamp : number("maxTimestampSoFar"),
    leaderEpoch: number("leaderEpoch"),
    stamp: number("stamp"),
    prevEpoch: number("prevEpoch"),
    appendId: Buffer.from(attributes["appendId"]?.B ?? []).toString("base64url"),
    payload: payloadOf(attributes, baseOffset),
    ...(attributes["waitFor"] === undefined ? {} : { waitFor: attributeToBrokerIds(attributes["waitFor"]) }),
    ...(attributes["highWatermark"] === undefined ? {} : { highWatermark: number("highWatermark") }),
    ...(attributes["expiresAt"] === undefined ? {} : { expiresAt: number("expiresAt") }),
  };
}

function payloadOf(attributes: Attributes, baseOffset: number): ItemPayload {
  const batches = attributes["batches"]?.B;
  if (batches !== undefined) return { kind: "inline", batches };
  const key = attributes["object"]?.S;
  if (key === undefined) return { kind: "end-of-log" };
  return {
    kind: "object",
    object: { key, sizeInBytes: numberOf(attributes, "objectSize") },
    producerBatches: decodeProducerBatches(attributes["producers"]?.B ?? new Uint8Array(), baseOffset),
  };
}
