/**
 * A log's segments and its tiering state, in the metadata table: every region registers and finds them.
 *  - `segments/<topicId>/<partition>`, `<baseOffset>.<segmentId>`: one item a segment, from the begin of its copy to the end of
 *    its deletion; changed by compare-and-set on `version`, removed on the condition of its `state`.
 *  - `tiering/<topicId>`, `<partition>`: one item a log that was ever tiered; changed by compare-and-set on `version`.
 */
import { type LogKey, partitionOf } from "../../log/log-item.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import type { SegmentPlace } from "../../log/segment-registry.ts";
import { type Attributes, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

/** Numbers are padded, so that the order of names is theirs. */
const PARTITION_DIGITS = 5;
const OFFSET_DIGITS = 16;

export function segmentsKind(log: LogKey): string {
  const { topicId, partition } = partitionOf(log);
  return `segments/${topicId}/${String(partition).padStart(PARTITION_DIGITS, "0")}`;
}

export function segmentName({ baseOffset, segmentId }: SegmentPlace): string {
  return `${String(baseOffset).padStart(OFFSET_DIGITS, "0")}.${segmentId}`;
}

/** Above the names of all segments with this baseOffset: ids are of `A-Z a-z 0-9 _ -`. */
export function nameAbove(baseOffset: number): string {
  return `${String(baseOffset).padStart(OFFSET_DIGITS, "0")}.~`;
}

export function segmentKey(log: LogKey, place: SegmentPlace): Attributes {
  return metadataKey(segmentsKind(log), segmentName(place));
}

export function segmentToAttributes(segment: SegmentMetadata): Attributes {
  return {
    ...segmentKey(segment.log, segment),
    version: { N: String(segment.version) },
    state: { S: segment.state },
    value: { S: JSON.stringify(segment) },
  };
}

export function attributesToSegment(attributes: Attributes): SegmentMetadata {
  return JSON.parse(stringOf(attributes, "value")) as SegmentMetadata;
}

export function tieringKind(topicId: string): string {
  return `tiering/${topicId}`;
}

export function tieringKey(log: LogKey): Attributes {
  const { topicId, partition } = partitionOf(log);
  return metadataKey(tieringKind(topicId), String(partition).padStart(PARTITION_DIGITS, "0"));
}

export function tieringToAttributes(state: TieringState): Attributes {
  return {
    ...tieringKey(state.log),
    version: { N: String(state.version) },
    value: { S: JSON.stringify(state) },
  };
}

export function attributesToTiering(attributes: Attributes): TieringState {
  return JSON.parse(stringOf(attributes, "value")) as TieringState;
}
