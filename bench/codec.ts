import { createRequire } from "node:module";
import * as platformatic from "@platformatic/kafka";
import { decodeRecords } from "../shared/record/decode-batch.ts";
import { encodeBatch } from "../shared/record/encode-batch.ts";
import { readBatchHeader, verifyCrc } from "../shared/record/read-batch-header.ts";
import { inTurns, table } from "./rounds.ts";

/** How fast is the codec beside kafkajs and @platformatic/kafka? Encoding computes the CRC everywhere; decoding checks it nowhere but where said. */
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

export async function run(): Promise<void> {
  const rows: (string | number)[][] = [
    ["", "ours MB/s", "ours with CRC", "kafkajs MB/s", "platformatic MB/s", "ours / best other"],
  ];
  for (const { name, count, size } of SHAPES) {
    const keys = Array.from({ length: count }, (_, index) => Buffer.from(`key-${index}`));
    const value = Buffer.alloc(size, "value ");
    const records = keys.map((key, index) => ({ key, value, headers: [], timestamp: TIMESTAMP + index }));
    const bytes = Buffer.from(encodeBatch(records));
    const repeats = Math.max(1, Math.round(2_000_000 / bytes.length));
    const megabytes = (bytes.length * repeats) / 1e6;
    const often = (work: () => unknown) => async () => {
      for (let index = 0; index < repeats; index++) {
        const result = work();
        if (result instanceof Promise) await result;
      }
    };
    const encode = await inTurns(
      {
        ours: often(() => encodeBatch(records)),
        kafkajs: often(() =>
          kafkajs.RecordBatch({
            firstTimestamp: TIMESTAMP,
            maxTimestamp: TIMESTAMP + count - 1,
            lastOffsetDelta: count - 1,
            records: records.map((record, index) =>
              kafkajs.Record({ ...record, headers: {}, offsetDelta: index, timestampDelta: index }),
            ),
          }),
        ),
        platformatic: often(
          () =>
            createRecordsBatch(
              records.map((record) => ({
                ...record,
                timestamp: BigInt(record.timestamp),
                headers: undefined,
                topic: "t",
              })),
            ).buffer,
        ),
      },
      ROUNDS,
    );
    const decode = await inTurns(
      {
        ours: often(() => decodeRecords(bytes, 0, readBatchHeader(bytes))),
        withCrc: often(() => {
          const header = readBatchHeader(bytes);
          verifyCrc(bytes, 0, header);
          return decodeRecords(bytes, 0, header);
        }),
        kafkajs: often(() => kafkajs.decodeBatch(new kafkajs.Decoder(bytes))),
        platformatic: often(() => readRecordsBatch(Reader.from(bytes))),
      },
      ROUNDS,
    );
    rows.push(row(`encode ${name}`, encode, megabytes), row(`decode ${name}`, decode, megabytes));
  }
  table("Codec, no compression, medians of interleaved rounds", rows);
}

function row(name: string, times: Record<string, number>, megabytes: number): (string | number)[] {
  const rate = (contender: string) => {
    const ms = times[contender];
    return ms === undefined ? "" : Math.round(megabytes / (ms / 1000));
  };
  const best = Math.min(times["kafkajs"]!, times["platformatic"]!);
  return [
    name,
    rate("ours"),
    rate("withCrc"),
    rate("kafkajs"),
    rate("platformatic"),
    `${(best / times["ours"]!).toFixed(1)}x`,
  ];
}

if (import.meta.main) await run();
