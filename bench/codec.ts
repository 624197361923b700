import { createRequire } from "node:module";
import * as platformatic from "@platformatic/kafka";
import { decodeRecords } from "../shared/record/decode-batch.ts";
import { encodeBatch } from "../shared/record/encode-batch.ts";
import { readBatchHeader, verifyCrc } from "../shared/record/read-batch-header.ts";
import { inTurns, table } from "./rounds.ts";

/**
 * How fast is the codec beside kafkajs and @platformatic/kafka? Every encoder computes the CRC (platformatic's by native
 * code, where @node-rs/crc32 is installed, as it is here). No decoder of theirs checks it: ours is measured both ways.
 * Platformatic's decoder leaves header and offsets as they are on the wire, and so does less than ours.
 */
const require = createRequire(import.meta.url);
const kafkajs = {
  RecordBatch: require("kafkajs/src/protocol/recordBatch/v0/index.js").RecordBatch,
  Record: require("kafkajs/src/protocol/recordBatch/record/v0/index.js"),
  decodeBatch: require("kafkajs/src/protocol/recordBatch/v0/decoder.js"),
  Decoder: require("kafkajs/src/protocol/decoder.js"),
};
// biome-ignore lint/suspicious/noExplicitAny: the module exports these, its types do not
const { createRecordsBatch, readRecordsBatch, Reader } = platformatic as any;

const SHAPES = [
  { name: "1000 x 100 B", count: 1000, size: 100 },
  { name: "100 x 1 KiB", count: 100, size: 1024 },
  { name: "10 x 10 KiB", count: 10, size: 10 * 1024 },
];
const TIMESTAMP = 1_700_000_000_000;
const ROUNDS = 60;
/** Bytes that a contender works through in its turn. */
const TURN_BYTES = 2_000_000;

/** Megabytes of batch a second; `ratio` is ours to the better of the others. */
export interface CodecSpeed {
  readonly work: string;
  readonly ours: number;
  readonly kafkajs: number;
  readonly platformatic: number;
  readonly ratio: number;
}

export async function run(): Promise<CodecSpeed[]> {
  const speeds: CodecSpeed[] = [];
  for (const shape of SHAPES) speeds.push(...(await measure(shape)));
  table("Codec, no compression, MB/s, medians of interleaved rounds", [
    ["", "ours", "kafkajs", "platformatic", "ours / better other"],
    ...speeds.map((speed) => [
      speed.work,
      Math.round(speed.ours),
      Math.round(speed.kafkajs),
      Math.round(speed.platformatic),
      `${speed.ratio.toFixed(1)}x`,
    ]),
  ]);
  return speeds;
}

async function measure({ name, count, size }: (typeof SHAPES)[number]): Promise<CodecSpeed[]> {
  const keys = Array.from({ length: count }, (_, index) => Buffer.from(`key-${index}`));
  const value = Buffer.alloc(size, "value ");
  const records = keys.map((key, index) => ({ key, value, headers: [], timestamp: TIMESTAMP + index }));
  const bytes = Buffer.from(encodeBatch(records));
  const kafkajsRecords = keys.map((key, index) => ({
    key,
    value,
    headers: {},
    offsetDelta: index,
    timestampDelta: index,
  }));
  const kafkajsBatch = { firstTimestamp: TIMESTAMP, maxTimestamp: TIMESTAMP + count - 1, lastOffsetDelta: count - 1 };
  const messages = keys.map((key, index) => ({
    key,
    value,
    timestamp: BigInt(TIMESTAMP + index),
    topic: "t",
    partition: 0,
  }));
  const encoders = {
    ours: () => encodeBatch(records),
    kafkajs: async () =>
      (await kafkajs.RecordBatch({ ...kafkajsBatch, records: kafkajsRecords.map(kafkajs.Record) })).buffer,
    platformatic: () => createRecordsBatch(messages).buffer,
  };
  const decoders = {
    ours: () => decodeRecords(bytes, 0, readBatchHeader(bytes)),
    withCrc: () => {
      const header = readBatchHeader(bytes);
      verifyCrc(bytes, 0, header);
      return decodeRecords(bytes, 0, header);
    },
    kafkajs: async () => (await kafkajs.decodeBatch(new kafkajs.Decoder(bytes))).records,
    platformatic: () => readRecordsBatch(Reader.from(bytes)).records,
  };
  for (const [contender, encode] of Object.entries(encoders)) {
    if ((await encode()).length !== bytes.length) throw new Error(`${contender} encodes something else`);
  }
  for (const [contender, decode] of Object.entries(decoders)) {
    if ((await decode()).length !== count) throw new Error(`${contender} decodes something else`);
  }
  const repeats = Math.max(1, Math.round(TURN_BYTES / bytes.length));
  const megabytes = (bytes.length * repeats) / 1e6;
  const rates = async (contenders: Record<string, () => unknown>) => {
    const turns = Object.entries(contenders).map(([contender, work]) => [contender, often(work, repeats)] as const);
    const times = await inTurns(Object.fromEntries(turns), ROUNDS);
    return (contender: string) => megabytes / (times[contender]! / 1000);
  };
  const encode = await rates(encoders);
  const decode = await rates(decoders);
  return [
    speed(`encode ${name}`, encode("ours"), encode),
    speed(`decode ${name}`, decode("ours"), decode),
    speed(`decode ${name}, CRC checked by ours alone`, decode("withCrc"), decode),
  ];
}

const often = (work: () => unknown, repeats: number) => async () => {
  for (let index = 0; index < repeats; index++) {
    const result = work();
    if (result instanceof Promise) await result;
  }
};

function speed(work: string, ours: number, rate: (contender: string) => number): CodecSpeed {
  const others = { kafkajs: rate("kafkajs"), platformatic: rate("platformatic") };
  return { work, ours, ...others, ratio: ours / Math.max(others.kafkajs, others.platformatic) };
}

if (import.meta.main) await run();
