import { mkdtempSync, rmSync } from "node:fs";
import { open, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Broker, BrokerParts } from "../shared/broker/broker.ts";
import { fetch } from "../shared/broker/fetch.ts";
import { openBroker } from "../shared/broker/open-broker.ts";
import { DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES, MAX_RAW_FETCH_BYTES } from "../shared/kafka/limits.ts";
import { logKey } from "../shared/log/log-item.ts";
import { segmentKeys } from "../shared/log/segment/segment-keys.ts";
import type { SegmentStore } from "../shared/log/segment-store.ts";
import { FileSegmentStore } from "../shared/storage/file/file-segment-store.ts";
import { MemorySegmentStore } from "../shared/storage/memory/memory-segment-store.ts";
import { S3SegmentStore } from "../shared/storage/s3/s3-segment-store.ts";
import { localClient } from "../test/fixtures/dynamodb.ts";
import { type LargeLog, largeColdLog } from "../test/fixtures/large-cold-log.ts";
import { startObjectServer } from "../test/fixtures/object-server.ts";
import { tieredParts } from "../test/fixtures/tiered-log.ts";
import { inTurns, table } from "./rounds.ts";

/**
 * What does a reader of the cold part of a log take beside a bare read of the same bytes, and how many requests of S3's for each MiB:
 * one process that reads in order, many readers of one process, and requests that each reach another process?
 */
const MIB = 2 ** 20;
const ROUNDS = Number(process.env["MILLRACE_ROUNDS"] || 9);
/** More than there are answers. */
const NEW_PROCESSES = 1_000;
const BUFFER = new Uint8Array(8 * MIB);
/** As AWS tells of S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance.html, and per request 85 to 90 MB/s. */
const FIRST_BYTE_MS = 100;
const MIB_PER_SECOND = 90;
const LOG: LargeLog = { segments: 4, segmentBytes: 64 * MIB, recordsPerBatch: 16 };

interface Stored {
  readonly parts: BrokerParts;
  readonly counted: CountedStore;
  readonly keys: readonly string[];
  readonly end: number;
  readonly bytes: number;
}

/** Counts the objects' ranges that are read, each a GET. */
class CountedStore implements SegmentStore {
  requests = 0;
  protected readonly store: SegmentStore;

  constructor(store: SegmentStore) {
    this.store = store;
  }

  getObject: SegmentStore["getObject"] = (key, range) => {
    this.requests++;
    return this.store.getObject(key, range);
  };
  putObject: SegmentStore["putObject"] = (key, bytes) => this.store.putObject(key, bytes);
  putObjectInParts: SegmentStore["putObjectInParts"] = (key, parts) => this.store.putObjectInParts(key, parts);
  listObjects: SegmentStore["listObjects"] = (prefix, options) => this.store.listObjects(prefix, options);
  deleteObjects: SegmentStore["deleteObjects"] = (keys) => this.store.deleteObjects(keys);
}

/** Takes as long for a range as S3 would, one connection for each. */
class SlowStore extends CountedStore {
  override getObject: SegmentStore["getObject"] = async (key, range) => {
    const bytes = await this.store.getObject(key, range);
    const transferMs = ((bytes?.length ?? 0) / MIB / MIB_PER_SECOND) * 1_000;
    await new Promise((resolve) => setTimeout(resolve, FIRST_BYTE_MS + transferMs));
    return bytes;
  };
}

export async function run(): Promise<void> {
  await files();
  await objects();
}

async function files(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  try {
    const stored = await store(new FileSegmentStore(folder), LOG);
    await compare("files", stored, ROUNDS, {
      "bare, each file into memory": async (key) => void (await readFile(join(folder, key))),
      // Nobody could keep what it read: no reader of a log can do so.
      "bare, all into one buffer of 8 MiB": async (key) => {
        const file = await open(join(folder, key), "r");
        while ((await file.read(BUFFER, 0, BUFFER.length)).bytesRead > 0);
        await file.close();
      },
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function objects(): Promise<void> {
  const server = await startObjectServer();
  const s3 = new S3SegmentStore("bucket", { client: localClient(server.url), endpoint: new URL(server.url) });
  try {
    const stored = await store(s3, LOG);
    const bare = (of: SegmentStore) => ({
      "bare, a GET for each object": async (key: string) => void (await of.getObject(key)),
    });
    await compare("objects by S3's protocol, over loopback", stored, ROUNDS, bare(s3));
    await requests(stored);
    const far = await store(new SlowStore(new MemorySegmentStore()), LOG);
    const what = `objects that take ${FIRST_BYTE_MS} ms to the first byte and then ${MIB_PER_SECOND} MiB/s`;
    await compare(what, far, 3, bare(far.counted));
  } finally {
    await server.stop();
  }
}

async function store(segmentStore: SegmentStore, log: LargeLog): Promise<Stored> {
  const counted = new CountedStore(segmentStore);
  const parts = tieredParts({ segmentStore: counted });
  const { topicId, localLogStartOffset, coldBytes } = await largeColdLog(parts, log);
  const segments = await parts.segmentRegistry.listSegments(logKey(topicId, 0), { limit: 1_000 });
  return {
    parts,
    counted,
    keys: segments.map((each) => segmentKeys(each).log),
    end: localLogStartOffset,
    bytes: coldBytes,
  };
}

async function compare(
  what: string,
  { parts, keys, end, bytes }: Stored,
  rounds: number,
  bare: Readonly<Record<string, (key: string) => Promise<void>>>,
): Promise<void> {
  const contenders: Record<string, () => Promise<unknown>> = {};
  for (const [name, read] of Object.entries(bare)) {
    contenders[name] = async () => {
      for (const key of keys) await read(key);
    };
  }
  for (const maxBytes of [DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES]) {
    contenders[`in answers of ${maxBytes / MIB} MiB`] = () => {
      // A process that knows nothing yet.
      const broker = openBroker(parts);
      return readThrough(() => broker, end, maxBytes);
    };
  }
  const medians = await inTurns(contenders, rounds);
  const [first] = Object.keys(bare);
  table(`${Math.round(bytes / MIB)} MiB of ${what}, in order, by a fresh process; in turns, ${rounds} rounds`, [
    ["", "p50 ms", "MiB/s", "of the bare read's speed"],
    ...Object.entries(medians).map(([name, ms]) => [
      name,
      ms.toFixed(0),
      (bytes / MIB / (ms / 1000)).toFixed(0),
      `${(medians[first!]! / ms).toFixed(2)}x`,
    ]),
  ]);
}

async function requests({ parts, counted, end, bytes }: Stored): Promise<void> {
  const rows: string[][] = [["reader", "answers up to", "GETs / MiB"]];
  const count = async (what: string, brokers: number, maxBytes: number) => {
    const processes = Array.from({ length: brokers }, () => openBroker(parts));
    let next = 0;
    counted.requests = 0;
    await readThrough(() => processes[next++ % brokers]!, end, maxBytes);
    rows.push([what, `${maxBytes / MIB} MiB`, (counted.requests / (bytes / MIB)).toFixed(2)]);
  };
  for (const maxBytes of [MIB / 16, DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES]) await count("one process", 1, maxBytes);
  for (const brokers of [2, 10, NEW_PROCESSES]) {
    for (const maxBytes of [DEFAULT_FETCH_BYTES, MAX_FETCH_BYTES, MAX_RAW_FETCH_BYTES]) {
      const which = brokers === NEW_PROCESSES ? "a process that has read nothing" : `the next of ${brokers} processes`;
      await count(`each request reaches ${which}`, brokers, maxBytes);
    }
  }
  for (const readers of [8, 24, 48]) {
    const broker = openBroker(parts);
    counted.requests = 0;
    const read = await sideBySide(broker, readers, end);
    rows.push([`${readers} readers of one process`, "1 MiB", (counted.requests / (read / MIB)).toFixed(2)]);
  }
  table("Requests to S3, indexes included", rows);
}

/** Readers that begin at different places, in turns, each up to where the next began. */
async function sideBySide(broker: Broker, readers: number, end: number): Promise<number> {
  const from = Array.from({ length: readers + 1 }, (_, reader) => Math.floor((reader * end) / readers));
  const offsets = from.slice(0, -1);
  let read = 0;
  while (offsets.some((offset, reader) => offset < from[reader + 1]!)) {
    for (const [reader, offset] of offsets.entries()) {
      if (offset >= from[reader + 1]!) continue;
      const fetched = await fetchOnce(broker, offset, DEFAULT_FETCH_BYTES);
      offsets[reader] = fetched.nextOffset;
      read += fetched.batches.length;
    }
  }
  return read;
}

async function readThrough(broker: () => Broker, end: number, maxBytes: number): Promise<void> {
  for (let offset = 0; offset < end; ) offset = (await fetchOnce(broker(), offset, maxBytes)).nextOffset;
}

async function fetchOnce(broker: Broker, offset: number, maxBytes: number) {
  const fetched = await fetch(broker, { topic: "t", partition: 0, offset, maxBytes, minBytes: 1, maxWaitMs: 0 });
  if (!fetched.ok) throw new Error(fetched.refusal.message);
  return fetched.value;
}

if (import.meta.main) await run();
