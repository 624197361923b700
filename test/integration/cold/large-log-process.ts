import { setTimeout as sleep } from "node:timers/promises";
import { alterTopicConfigs } from "../../../shared/broker/alter-topic-configs.ts";
import type { Broker } from "../../../shared/broker/broker.ts";
import { fetch } from "../../../shared/broker/fetch.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { produceBatches } from "../../../shared/broker/produce-batches.ts";
import { upkeepLogs } from "../../../shared/broker/tiering/upkeep.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { systemClock } from "../../../shared/runtime/clock.ts";
import { DynamoDbLogStore } from "../../../shared/storage/dynamodb/dynamodb-log-store.ts";
import { DynamoDbMetadataStore } from "../../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { DynamoDbSegmentRegistry } from "../../../shared/storage/dynamodb/dynamodb-segment-registry.ts";
import { createTables } from "../../../shared/storage/dynamodb/tables.ts";
import { FileSegmentStore } from "../../../shared/storage/file/file-segment-store.ts";
import { memoryParts, topicOf } from "../../fixtures/broker.ts";
import { localClient, TABLES } from "../../fixtures/dynamodb.ts";

/**
 * Goes through the life of a large log in a process of its own, whose memory is watched: appended, tiered, read, compacted, read, deleted. Prints
 * a line of JSON for each phase.
 */
export interface LargeLogTerms {
  readonly endpoint: string;
  readonly folder: string;
  /** Of the whole log, over all partitions. */
  readonly mib: number;
  readonly partitions: number;
  readonly segmentMib: number;
  readonly recordBytes: number;
  /** Different keys of one partition, and rounds of compaction that there are for them. */
  readonly keys: number;
  readonly rounds: number;
}

export interface Phase {
  readonly phase: string;
  readonly seconds: number;
  readonly mib: number;
  /** The most that the process took, as the system counts it; and that it held, if it may collect garbage (--expose-gc). */
  readonly rssMib: number;
  readonly heldMib: number;
  /** Records that were sent, or are there. */
  readonly records?: number;
  /** What lies in the bucket then. */
  readonly storedMib: number;
}

const MIB = 2 ** 20;
const HOUR_MS = 3_600_000;
const SAMPLE_EVERY_BYTES = 4 * MIB;

const terms: LargeLogTerms = JSON.parse(process.argv[2]!);
const { gc } = globalThis as { gc?: () => void };

let rss = 0;
let held = 0;
let bytesSinceSample = 0;

function sample(): void {
  gc?.();
  const { rss: now, heapUsed, arrayBuffers } = process.memoryUsage();
  rss = Math.max(rss, now);
  held = Math.max(held, heapUsed + arrayBuffers);
}

/** Looks at the memory wherever so many bytes went by. */
function passed(bytes: number): void {
  bytesSinceSample += bytes;
  if (bytesSinceSample < SAMPLE_EVERY_BYTES) return;
  bytesSinceSample = 0;
  sample();
}

class WatchedStore extends FileSegmentStore {
  override async getObject(key: string, range?: { start: number; end: number }) {
    const bytes = await super.getObject(key, range);
    passed(bytes?.length ?? 0);
    return bytes;
  }

  override putObjectInParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
    async function* watched() {
      for await (const part of parts) {
        passed(part.length);
        yield part;
      }
    }
    return super.putObjectInParts(key, watched());
  }
}

const bucket = new WatchedStore(terms.folder);
const client = localClient(terms.endpoint);
await createTables(client, TABLES);
let aheadMs = 0;
const clock = { now: () => systemClock.now() + aheadMs, sleep: systemClock.sleep };

function open(): Broker {
  return openBroker({
    ...memoryParts({ clock }),
    logStore: new DynamoDbLogStore(client, TABLES.log),
    metadataStore: new DynamoDbMetadataStore(client, TABLES.metadata),
    segmentRegistry: new DynamoDbSegmentRegistry(client, TABLES.metadata),
    segmentStore: bucket,
  });
}

async function phase(name: string, run: () => Promise<number | undefined>): Promise<void> {
  gc?.();
  rss = 0;
  held = 0;
  sample();
  const timer = gc === undefined ? setInterval(sample, 10).unref() : undefined;
  const begunAt = performance.now();
  const records = await run();
  sample();
  clearInterval(timer);
  const seconds = (performance.now() - begunAt) / 1000;
  let stored = 0;
  for (let after: string | undefined; ; ) {
    const page = await bucket.listObjects(`${topicId}/`, { maxKeys: 1000, ...(after === undefined ? {} : { after }) });
    for (const { sizeInBytes } of page) stored += sizeInBytes;
    if (page.length < 1000) break;
    after = page.at(-1)!.key;
  }
  const told: Phase = {
    phase: name,
    seconds,
    mib: terms.mib,
    rssMib: Math.round(rss / MIB),
    heldMib: Math.round(held / MIB),
    storedMib: Math.round(stored / MIB),
    ...(records === undefined ? {} : { records }),
  };
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

/** Batches of about a MiB, which go to objects, and for each of them two that stay in items. */
async function append(broker: Broker): Promise<number> {
  const value = Buffer.alloc(terms.recordBytes, "v");
  let records = 0;
  const eachMib = terms.mib / terms.partitions;
  for (let partition = 0; partition < terms.partitions; partition++) {
    for (let sent = 0; sent < eachMib * MIB; ) {
      for (const bytes of [MIB, MIB / 50, MIB / 50]) {
        const count = Math.ceil(bytes / terms.recordBytes);
        const timestamp = Math.floor(clock.now());
        const made = Array.from({ length: count }, (_, n) => ({
          key: Buffer.from(`key ${(records + n) % terms.keys}`),
          value,
          headers: [],
          timestamp,
        }));
        const batches = encodeBatch(made);
        const request = { topic: "t", partition, batches, acks: -1 as const, timeoutMs: 20_000 };
        const produced = await produceBatches(broker, request);
        if (!produced.ok) throw new Error(produced.refusal.message);
        records += count;
        sent += batches.length;
        passed(batches.length);
      }
    }
  }
  return records;
}

/** Runs until nothing is left; each run has as long as a Lambda function. */
async function keep(): Promise<void> {
  for (let runs = 0; runs < 20; runs++) {
    const done = await upkeepLogs(open(), { untilMs: clock.now() + 14 * 60_000 });
    if (done.failed > 0) throw new Error(`the upkeep failed: ${JSON.stringify(done)}`);
    if (done.left === 0) return;
  }
  throw new Error("the upkeep never gets done");
}

/** Reads every partition from its start; answers how many records there were. */
async function readAll(): Promise<number> {
  const broker = open();
  let records = 0;
  for (let partition = 0; partition < terms.partitions; partition++) {
    for (let offset: number | undefined; ; ) {
      const [registration] = (await broker.metadataStore.getPartitions(topicId)).slice(partition);
      offset ??= registration!.logStartOffset;
      const request = { topic: "t", partition, offset, maxBytes: MIB, minBytes: 1, maxWaitMs: 0 };
      const fetched = await fetch(broker, request);
      if (!fetched.ok) throw new Error(fetched.refusal.message);
      const { batches, nextOffset, highWatermark } = fetched.value;
      for (const { header } of batchHeaders(batches)) records += header.recordCount;
      if (nextOffset >= highWatermark) break;
      offset = nextOffset;
    }
  }
  return records;
}

async function configure(configs: Readonly<Record<string, string>>): Promise<void> {
  const changes = Object.entries(configs).map(([name, value]) => ({ name, value, operation: "SET" as const }));
  const altered = await alterTopicConfigs(open(), { topic: "t", changes });
  if (!altered.ok) throw new Error(altered.refusal.message);
}

const topicId = await topicOf(open(), "t", terms.partitions, {
  "retention.ms": "-1",
  "segment.bytes": String(terms.segmentMib * MIB),
  "segment.ms": String(HOUR_MS),
  "local.retention.ms": String(HOUR_MS),
  "max.message.bytes": String(3 * MIB),
});
await keep();
await phase("append", () => append(open()));
aheadMs += 2 * HOUR_MS;
await phase("tier", async () => void (await keep()));
await phase("read", readAll);
await configure({ "cleanup.policy": "compact", "min.cleanable.dirty.ratio": "0" });
// A map that is full ends a round: the next goes on.
await phase("compact", async () => {
  for (let rounds = 0; rounds < terms.rounds; rounds++) await keep();
});
await phase("read compacted", readAll);
await configure({ "cleanup.policy": "delete", "retention.ms": "1" });
await phase("delete", async () => {
  for (let hours = 0; hours < 3; hours++) {
    await keep();
    aheadMs += HOUR_MS;
  }
  await keep();
  return readAll();
});
client.destroy();
await sleep(0);
