/**
 * A log's checkpoint: one a log, in the log table under `<topicId>#<partition>#checkpoint`, replaced by newer ones. The
 * producers' states are varints, gzipped: 4,096 of them stay far below DynamoDB's 400 KB (test/unit says how far).
 */
import { gunzipSync, gzipSync } from "node:zlib";
import type { Checkpoint } from "../../log/checkpoint.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { AppendedBatch, ProducerState } from "../../log/producer-state.ts";
import { VarintReader } from "../../record/varint.ts";
import type { Attributes } from "./log-item-attributes.ts";
import { encodeVarints } from "./producer-batches-attribute.ts";

const MAX_PRODUCERS_BYTES = 16 * 1024 * 1024;

export function checkpointKey(log: LogKey): Attributes {
  return { tp: { S: `${log}#checkpoint` }, baseOffset: { N: "0" } };
}

export function checkpointToAttributes(log: LogKey, checkpoint: Checkpoint): Attributes {
  return {
    ...checkpointKey(log),
    logEndOffset: { N: String(checkpoint.logEndOffset) },
    lastEpoch: { N: String(checkpoint.lastEpoch) },
    maxTimestampSoFar: { N: String(checkpoint.maxTimestampSoFar) },
    producers: { B: gzipSync(encodeVarints(checkpoint.producers.flatMap(producerNumbers))) },
  };
}

export function attributesToCheckpoint(attributes: Attributes): Checkpoint {
  const producers = gunzipSync(attributes["producers"]?.B ?? gzipSync(""), { maxOutputLength: MAX_PRODUCERS_BYTES });
  return {
    logEndOffset: Number(attributes["logEndOffset"]?.N),
    lastEpoch: Number(attributes["lastEpoch"]?.N),
    maxTimestampSoFar: Number(attributes["maxTimestampSoFar"]?.N),
    producers: decodeProducers(producers),
  };
}

function producerNumbers({ producerId, producerEpoch, batches }: ProducerState): number[] {
  return [producerId, producerEpoch, batches.length, ...batches.flatMap(batchNumbers)];
}

function batchNumbers({ baseSequence, lastSequence, baseOffset, lastOffset, timestamp }: AppendedBatch): number[] {
  return [baseSequence, lastSequence, baseOffset, lastOffset - baseOffset, timestamp];
}

function decodeProducers(bytes: Uint8Array): ProducerState[] {
  const reader = new VarintReader(bytes, 0, bytes.length);
  const producers: ProducerState[] = [];
  while (reader.at < reader.end) {
    const producerId = reader.next();
    const producerEpoch = reader.next();
    const batches: AppendedBatch[] = [];
    for (let left = reader.next(); left > 0; left--) {
      const baseSequence = reader.next();
      const lastSequence = reader.next();
      const baseOffset = reader.next();
      const lastOffset = baseOffset + reader.next();
      batches.push({ baseSequence, lastSequence, baseOffset, lastOffset, timestamp: reader.next() });
    }
    producers.push({ producerId, producerEpoch, batches });
  }
  return producers;
}
