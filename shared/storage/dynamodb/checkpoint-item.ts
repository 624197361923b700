/**
 * A log's checkpoint: one head a log, in the log table under `<topicId>#<partition>#checkpoint` at 0, replaced by newer
 * ones. It holds the producers' states as gzipped varints. Those of some thousand producers can pass DynamoDB's 400 KB:
 * what does not fit lies in parts, written before the head, under the same partition key at numbers that belong to the
 * checkpoint's committedIn and logEndOffset. Checkpoints of the same two are one and the same: the fold of the same items.
 */
import { gunzipSync, gzipSync } from "node:zlib";
import { KafkaError } from "../../kafka/kafka-error.ts";
import { type Checkpoint, committedInOf } from "../../log/checkpoint.ts";
import type { EpochStart } from "../../log/leader-epochs.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { Barrier } from "../../log/log-state.ts";
import type { AppendedBatch, ProducerState } from "../../log/producer-state.ts";
import { VarintReader } from "../../record/varint.ts";
import { type Attributes, attributeToBrokerIds, brokerIdsToAttribute, numberOf } from "./attributes.ts";
import { encodeVarints } from "./producer-batches.ts";

/** Bytes of states in one item before compression, which random numbers do not yield to. */
const ITEM_BYTES = 300_000;

/** Bounds what is unpacked of one item. */
const MAX_UNPACKED_BYTES = 16 * 1024 * 1024;

/** With the head's, more than six times what the producers that a log remembers can take. */
export const MAX_PARTS = 15;

/** Sort keys that one logEndOffset has for its parts. Numbers of DynamoDB have 38 digits: they need BigInt here. */
const KEYS_PER_OFFSET = 100n;
/** Offsets that one epoch has; with epochs up to 2^31, numbers of up to 28 digits. */
const OFFSETS_PER_EPOCH = 2n ** 53n;

export interface CheckpointHead {
  readonly checkpoint: Checkpoint;
  /** Parts that hold the rest of its producers. */
  readonly partCount: number;
}

export function checkpointPartition(log: LogKey): Attributes[string] {
  return { S: `${log}#checkpoint` };
}

export function headKey(log: LogKey): Attributes {
  return { tp: checkpointPartition(log), baseOffset: { N: "0" } };
}

/** What orders checkpoints. */
export type CheckpointPlace = Pick<Checkpoint, "committedIn" | "logEndOffset">;

/** Where the part of that number (from 1) of a checkpoint lies; 0: below all its parts. Newer checkpoints' parts lie higher. */
export function partSortKey(checkpoint: CheckpointPlace, part: number): Attributes[string] {
  const epoch = BigInt(committedInOf(checkpoint) + 1);
  const place = epoch * OFFSETS_PER_EPOCH + BigInt(checkpoint.logEndOffset);
  return { N: String(place * KEYS_PER_OFFSET + BigInt(part)) };
}

/** The items of a checkpoint, its head first. Errors: MESSAGE_TOO_LARGE past {@link MAX_PARTS}. */
export function checkpointToItems(log: LogKey, checkpoint: Checkpoint): { head: Attributes; parts: Attributes[] } {
  const { logEndOffset, lastEpoch, maxTimestampSoFar, producers } = checkpoint;
  const [first = new Uint8Array(), ...rest] = encodeProducers(producers);
  if (rest.length > MAX_PARTS) {
    throw new KafkaError("MESSAGE_TOO_LARGE", `the checkpoint of ${log} has ${producers.length} producers`);
  }
  const head: Attributes = {
    ...headKey(log),
    logEndOffset: { N: String(logEndOffset) },
    lastEpoch: { N: String(lastEpoch) },
    maxTimestampSoFar: { N: String(maxTimestampSoFar) },
    producers: { B: gzipSync(first) },
  };
  if (checkpoint.barrier !== undefined) {
    head["barrierEpoch"] = { N: String(checkpoint.barrier.leaderEpoch) };
    head["waitFor"] = brokerIdsToAttribute(checkpoint.barrier.waitFor);
    const epochs = (checkpoint.epochs ?? []).flatMap(({ leaderEpoch, startOffset }) => [leaderEpoch, startOffset]);
    if (checkpoint.committedIn !== undefined) head["committedIn"] = { N: String(checkpoint.committedIn) };
    head["epochs"] = { B: gzipSync(encodeVarints(epochs)) };
  }
  if (rest.length > 0) head["parts"] = { N: String(rest.length) };
  const parts = rest.map((bytes, index) => ({
    tp: checkpointPartition(log),
    baseOffset: partSortKey(checkpoint, index + 1),
    producers: { B: gzipSync(bytes) },
  }));
  return { head, parts };
}

export function attributesToHead(attributes: Attributes): CheckpointHead {
  return {
    checkpoint: {
      logEndOffset: numberOf(attributes, "logEndOffset"),
      lastEpoch: numberOf(attributes, "lastEpoch"),
      maxTimestampSoFar: numberOf(attributes, "maxTimestampSoFar"),
      producers: attributesToProducers(attributes),
      ...(attributes["waitFor"] === undefined
        ? {}
        : {
            barrier: attributesToBarrier(attributes),
            epochs: attributesToEpochs(attributes),
            ...committedIn(attributes),
          }),
    },
    partCount: attributes["parts"] === undefined ? 0 : numberOf(attributes, "parts"),
  };
}

function attributesToBarrier(attributes: Attributes): Barrier {
  return { leaderEpoch: numberOf(attributes, "barrierEpoch"), waitFor: attributeToBrokerIds(attributes["waitFor"]!) };
}

function committedIn(attributes: Attributes): { committedIn?: number } {
  return attributes["committedIn"] === undefined ? {} : { committedIn: numberOf(attributes, "committedIn") };
}

function attributesToEpochs(attributes: Attributes): EpochStart[] {
  const bytes = gunzipSync(attributes["epochs"]?.B ?? gzipSync(""), { maxOutputLength: MAX_UNPACKED_BYTES });
  const reader = new VarintReader(bytes, 0, bytes.length);
  const epochs: EpochStart[] = [];
  while (reader.at < reader.end) epochs.push({ leaderEpoch: reader.next(), startOffset: reader.next() });
  return epochs;
}

/** The producers that a head or a part holds, in the order of their last append. */
export function attributesToProducers(attributes: Attributes): ProducerState[] {
  const compressed = attributes["producers"]?.B ?? gzipSync("");
  const bytes = gunzipSync(compressed, { maxOutputLength: MAX_UNPACKED_BYTES });
  const reader = new VarintReader(bytes, 0, bytes.length);
  const producers: ProducerState[] = [];
  while (reader.at < reader.end) producers.push(readProducer(reader));
  return producers;
}

/** Whole producers, as many together as go into one item. */
function encodeProducers(producers: readonly ProducerState[]): Uint8Array[] {
  const items: Uint8Array[] = [];
  let open: Uint8Array[] = [];
  let bytes = 0;
  for (const producer of producers) {
    const encoded = encodeVarints(producerNumbers(producer));
    if (bytes + encoded.length > ITEM_BYTES) {
      items.push(Buffer.concat(open));
      [open, bytes] = [[], 0];
    }
    open.push(encoded);
    bytes += encoded.length;
  }
  if (open.length > 0) items.push(Buffer.concat(open));
  return items;
}

function producerNumbers({ producerId, producerEpoch, batches }: ProducerState): number[] {
  return [producerId, producerEpoch, batches.length, ...batches.flatMap(batchNumbers)];
}

function batchNumbers({ baseSequence, lastSequence, baseOffset, lastOffset, timestamp }: AppendedBatch): number[] {
  return [baseSequence, lastSequence, baseOffset, lastOffset - baseOffset, timestamp];
}

function readProducer(reader: VarintReader): ProducerState {
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
  return { producerId, producerEpoch, batches };
}
