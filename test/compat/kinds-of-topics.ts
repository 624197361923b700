import { createHash } from "node:crypto";
import type { Broker } from "../../shared/broker/broker.ts";
import { initProducerId } from "../../shared/broker/init-producer-id.ts";
import { produceBatches } from "../../shared/broker/produce-batches.ts";
import { logKey, NO_EPOCH } from "../../shared/log/log-item.ts";
import { COMPRESSION_TYPES } from "../../shared/record/batch-header.ts";
import { type BatchOptions, encodeBatch } from "../../shared/record/encode-batch.ts";
import type { ProducerRecord } from "../../shared/record/record.ts";
import { DAY_MS, HOUR_MS } from "../unit/broker/tiering/kept-logs.ts";
import type { KeptOnStores } from "./kept-on-stores.ts";

/** What was acknowledged, by offset. */
export type Sent = Map<number, { readonly key: string | null; readonly value: string | null }>;

/** A topic, and what is appended to it in each round; between rounds hours pass, and the upkeep comes. */
export interface Kind {
  readonly configs: Readonly<Record<string, string>>;
  readonly replicationFactor: 1 | 3;
  append(to: Log, round: number): Promise<void>;
}

const SOON = {
  "segment.ms": String(HOUR_MS),
  "local.retention.ms": String(HOUR_MS),
  "retention.ms": "-1",
  "segment.bytes": String(1024 * 1024),
  "index.interval.bytes": "500",
};
const COMPACTED = {
  ...SOON,
  "cleanup.policy": "compact",
  "min.cleanable.dirty.ratio": "0.01",
  "delete.retention.ms": String(30 * DAY_MS),
};

/** A log under test: what is sent to it is remembered. */
export class Log {
  readonly world: KeptOnStores;
  readonly name: string;
  readonly topicId: string;
  readonly sent: Sent = new Map();
  /** Broker whose process takes the appends. */
  leader = 1;

  constructor(world: KeptOnStores, name: string, topicId: string) {
    this.world = world;
    this.name = name;
    this.topicId = topicId;
  }

  get broker(): Broker {
    return this.world.broker(this.leader);
  }

  /** A batch as a producer encodes it. Answers whether it was there already. */
  async send(records: readonly ProducerRecord[], options: BatchOptions = {}): Promise<boolean> {
    const batches = encodeBatch(records, options);
    const request = { topic: this.name, partition: 0, batches, acks: -1 as const, timeoutMs: 20_000 };
    const produced = await produceBatches(this.broker, request);
    if (!produced.ok) throw new Error(`${this.name}: ${produced.refusal.message}`);
    this.note(records, produced.value.baseOffset);
    return produced.value.isDuplicate;
  }

  note(records: readonly ProducerRecord[], baseOffset: number): void {
    const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
    for (const [index, { key, value }] of records.entries()) {
      this.sent.set(baseOffset + index, { key: text(key), value: text(value) });
    }
  }

  record(key: string | null, value: string | null, laterMs = 0, headers: ProducerRecord["headers"] = []) {
    const bytes = (of: string | null) => (of === null ? null : Buffer.from(of));
    return { key: bytes(key), value: bytes(value), headers, timestamp: Math.floor(this.world.now()) + laterMs };
  }
}

async function mixed(to: Log, round: number, options: BatchOptions = {}): Promise<void> {
  for (let n = 0; n < 6; n++) {
    const headers = [{ key: "trace", value: n % 2 === 0 ? null : Buffer.from(String(n)) }];
    const records = [to.record(`k${n}`, `round ${round} `.repeat(1 + n * 10), -n, headers), to.record(null, `${n}`)];
    await to.send(n % 3 === 0 ? records : records.slice(0, 1), options);
  }
}

/** Keys that come again and again, some of them deleted; the last of them stand in the newest segment. */
async function keyed(to: Log, round: number): Promise<void> {
  for (let n = 0; n < 12; n++) {
    const isDeleted = round === 1 && n % 4 === 1;
    const again = to.record(`k${n % 5}`, `${round}.${n} `.repeat(20));
    const own = to.record(`r${round}-${n}`, `${round}.${n}`);
    await to.send([again, isDeleted ? to.record(`r0-${n}`, null) : own], {
      compressionType: COMPRESSION_TYPES[n % COMPRESSION_TYPES.length]!,
    });
  }
}

function idempotent(): Kind["append"] {
  const producers: { id: number; epoch: number; sequence: number }[] = [];
  return async (to, round) => {
    while (producers.length < 3) {
      const { producerId } = await initProducerId(to.broker);
      producers.push({ id: producerId, epoch: 0, sequence: 0 });
    }
    // One begins anew in the second round, one is silent from then on.
    if (round === 1) Object.assign(producers[0]!, { epoch: 1, sequence: 0 });
    for (let n = 0; n < 5; n++) {
      for (const one of producers.slice(0, round === 0 ? 3 : 2)) {
        // Others write the same keys: nothing is left of what the silent one appended but that it did.
        const records = [to.record(`p${n}`, `${round}.${n}.${one.id}`), to.record(`q${n}`, "x".repeat(n * 50))];
        const options = { producerId: one.id, producerEpoch: one.epoch, baseSequence: one.sequence };
        if (await to.send(records, options)) throw new Error("it was not sent before");
        if (n % 2 === 0 && !(await to.send(records, options))) throw new Error("a duplicate was appended");
        one.sequence += records.length;
      }
    }
  };
}

/** Some in items, most of them in objects of their own, compressed or not. */
async function large(to: Log, round: number): Promise<void> {
  for (let n = 0; n < 8; n++) {
    const outputLength = n % 4 === 3 ? 100 : 100_000 + 20_000 * n;
    const text = createHash("shake256", { outputLength }).update(`${round}.${n}`).digest("base64url");
    const records = [to.record(`k${n}`, text), to.record(null, `beside ${n}`)];
    await to.send(records, { compressionType: n % 3 === 0 ? "zstd" : "none" });
  }
}

/** A transaction's batch: producers may not send any, but a log may have one, and compaction leaves it alone. */
async function inTransaction(to: Log): Promise<void> {
  const { logStore } = to.broker;
  const log = logKey(to.topicId, 0);
  const last = await logStore.readItemAtOrBelow(log, Number.MAX_SAFE_INTEGER);
  const baseOffset = (last?.lastOffset ?? -1) + 1;
  const records = [to.record("k0", "in a transaction"), to.record("k1", null)];
  const options = { producerId: 900, producerEpoch: 0, baseSequence: baseOffset, isTransactional: true };
  const { timestamp } = records[0]!;
  const put = await logStore.putItem(log, {
    baseOffset,
    lastOffset: baseOffset + 1,
    recordCount: 2,
    maxTimestamp: timestamp,
    maxTimestampSoFar: Math.max(timestamp, last?.maxTimestampSoFar ?? -1),
    leaderEpoch: 0,
    stamp: 0,
    prevEpoch: last?.leaderEpoch ?? NO_EPOCH,
    appendId: Buffer.from(`transaction${baseOffset}`.padEnd(16, ".").slice(0, 16)).toString("base64url"),
    expiresAt: Math.ceil((to.world.now() + 8 * DAY_MS) / 1000),
    payload: { kind: "inline", batches: encodeBatch(records, { ...options, baseOffset, partitionLeaderEpoch: 0 }) },
  });
  if (put.kind !== "written") throw new Error("the log went on meanwhile");
  to.note(records, baseOffset);
}

export const KINDS: Readonly<Record<string, Kind>> = {
  plain: { configs: SOON, replicationFactor: 1, append: mixed },
  compressed: {
    configs: SOON,
    replicationFactor: 1,
    append: async (to, round) => {
      for (const compressionType of COMPRESSION_TYPES) await mixed(to, round, { compressionType });
    },
  },
  idempotent: { configs: SOON, replicationFactor: 1, append: idempotent() },
  "leader-epochs": { configs: SOON, replicationFactor: 3, append: mixed },
  large: { configs: SOON, replicationFactor: 3, append: large },
  "log-append-time": {
    configs: { ...SOON, "message.timestamp.type": "LogAppendTime" },
    replicationFactor: 1,
    append: mixed,
  },
  "records-deleted": { configs: SOON, replicationFactor: 1, append: mixed },
  compact: { configs: COMPACTED, replicationFactor: 3, append: keyed },
  "tombstones-gone": {
    configs: { ...COMPACTED, "delete.retention.ms": "0" },
    replicationFactor: 1,
    append: keyed,
  },
  "compact-and-delete": {
    configs: { ...COMPACTED, "cleanup.policy": "compact,delete", "retention.ms": String(7 * HOUR_MS) },
    replicationFactor: 1,
    append: keyed,
  },
  "compact-idempotent": { configs: COMPACTED, replicationFactor: 1, append: idempotent() },
  "compact-transactions": {
    configs: COMPACTED,
    replicationFactor: 1,
    append: async (to, round) => {
      await keyed(to, round);
      await inTransaction(to);
    },
  },
};
