import { KafkaError } from "../../kafka/kafka-error.ts";
import { logKey } from "../../log/log-item.ts";
import type { Broker } from "../broker.ts";
import { locatePartition } from "../locate-partition.ts";
import { localLogStartOffset } from "./read-cold.ts";

/** Where a fetch of one partition begins. */
export interface FetchFrom {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

/** Whether a fetch from there reads a segment. What cannot be told is false: the fetch says what is wrong. */
export async function isCold(broker: Broker, { topic, partition, offset }: FetchFrom): Promise<boolean> {
  const cold = await whereKnown(async () => {
    const located = await locatePartition(broker, topic, partition);
    if (!located.ok) return false;
    const { registration } = located.value;
    if (offset < registration.logStartOffset) return false;
    return offset < (await localLogStartOffset(broker, logKey(registration.topicId, partition), registration));
  });
  return cold ?? false;
}

/**
 * Bytes that the segment which holds the offset has from there on, about: as if all its records were of one size. Nothing of the segment is read for
 * it. undefined: that cannot be told.
 */
export function expectedColdBytes(
  broker: Broker,
  { topic, partition, offset }: FetchFrom,
): Promise<number | undefined> {
  return whereKnown(async () => {
    const located = await locatePartition(broker, topic, partition);
    if (!located.ok) return undefined;
    const { registration } = located.value;
    const log = logKey(registration.topicId, partition);
    const stretch = await broker.cold.segments.stretchAt(log, registration, offset);
    if (stretch === undefined) return undefined;
    const { baseOffset, content } = stretch.segment;
    const part = (stretch.toOffset + 1 - offset) / (content.lastOffset + 1 - baseOffset);
    return Math.ceil(content.sizeInBytes * part);
  });
}

async function whereKnown<T>(ask: () => Promise<T>): Promise<T | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return undefined;
  }
}
