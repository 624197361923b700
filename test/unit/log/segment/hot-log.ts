import type { LogItem, ObjectPointer } from "../../../../shared/log/log-item.ts";
import { NO_EPOCH } from "../../../../shared/log/log-item.ts";
import { decodeLeaderEpochCheckpoint } from "../../../../shared/log/segment/leader-epoch-checkpoint.ts";
import { decodeProducerSnapshot } from "../../../../shared/log/segment/producer-snapshot.ts";
import {
  SegmentBuilder,
  type SegmentLimits,
  type SegmentStart,
} from "../../../../shared/log/segment/segment-builder.ts";
import type { ReadItemObject } from "../../../../shared/log/segment/segment-log.ts";
import { SegmentLog } from "../../../../shared/log/segment/segment-log.ts";
import type { CompressionType } from "../../../../shared/record/batch-header.ts";
import { encodeControlBatch } from "../../../../shared/record/control-record.ts";
import { encodeBatch } from "../../../../shared/record/encode-batch.ts";
import { encodeLeaderChange } from "../../../../shared/record/leader-change.ts";
import type { ProducerRecord } from "../../../../shared/record/record.ts";

export const LIMITS: SegmentLimits = { segmentBytes: 2 ** 30, indexBytes: 2 ** 20, indexIntervalBytes: 4096 };

export interface AppendOptions {
  readonly compressionType?: CompressionType;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly timestampType?: "CreateTime" | "LogAppendTime";
  readonly asObject?: boolean;
  readonly expiresAt?: number;
}

/** A hot log as appends make it: items, and the objects of the large ones. */
export class HotLog {
  readonly items: LogItem[] = [];
  readonly objects = new Map<string, Uint8Array>();
  readonly #logStartOffset: number;
  leaderEpoch = 0;

  constructor(logStartOffset = 0) {
    this.#logStartOffset = logStartOffset;
  }

  get logEndOffset(): number {
    return (this.items.at(-1)?.lastOffset ?? this.#logStartOffset - 1) + 1;
  }

  /** One item of one batch for each of `batches`. */
  append(batches: readonly (readonly ProducerRecord[])[], options: AppendOptions = {}): void {
    const { asObject = false, expiresAt, ...encoding } = options;
    const baseOffset = this.logEndOffset;
    let offset = asObject ? 0 : baseOffset;
    const encoded = batches.map((records) => {
      const partitionLeaderEpoch = asObject ? 0 : this.leaderEpoch;
      const batch = encodeBatch(records, { ...encoding, baseOffset: offset, partitionLeaderEpoch });
      offset += records.length;
      return batch;
    });
    const bytes = Buffer.concat(encoded);
    const timestamps = batches.flat().map(({ timestamp }) => timestamp);
    const object: ObjectPointer = { key: `topic/0/${baseOffset}.batches`, sizeInBytes: bytes.length };
    if (asObject) this.objects.set(object.key, bytes);
    this.#add(batches.flat().length, Math.max(...timestamps), {
      payload: asObject ? { kind: "object", object, producerBatches: [] } : { kind: "inline", batches: bytes },
      ...(expiresAt === undefined ? {} : { expiresAt }),
    });
  }

  barrier(leaderEpoch: number, timestamp: number): void {
    this.leaderEpoch = leaderEpoch;
    const batches = encodeControlBatch("LEADER_CHANGE", encodeLeaderChange(1, [1, 2, 3]), timestamp, {
      baseOffset: this.logEndOffset,
      partitionLeaderEpoch: leaderEpoch,
    });
    this.#add(1, -1, { payload: { kind: "inline", batches }, waitFor: [1, 2, 3] });
  }

  readonly read: ReadItemObject = async ({ key }) => {
    const bytes = this.objects.get(key);
    return bytes === undefined ? undefined : new Uint8Array(bytes);
  };

  #add(recordCount: number, maxTimestamp: number, change: Pick<LogItem, "payload"> & Partial<LogItem>): void {
    const last = this.items.at(-1);
    const baseOffset = this.logEndOffset;
    this.items.push({
      baseOffset,
      lastOffset: baseOffset + recordCount - 1,
      recordCount,
      maxTimestamp,
      maxTimestampSoFar: Math.max(last?.maxTimestampSoFar ?? -1, maxTimestamp),
      leaderEpoch: this.leaderEpoch,
      stamp: this.leaderEpoch,
      prevEpoch: last?.leaderEpoch ?? NO_EPOCH,
      appendId: String(baseOffset),
      ...change,
    });
  }
}

export type BuiltSegment = Awaited<ReturnType<typeof buildSegment>>;

/** A segment of the items from `start.baseOffset` on, in memory. */
export async function buildSegment(log: HotLog, start: Partial<SegmentStart> = {}, limits: SegmentLimits = LIMITS) {
  const baseOffset = start.baseOffset ?? log.items[0]?.baseOffset ?? 0;
  const builder = new SegmentBuilder({ producers: [], epochs: [], ...start, baseOffset }, limits);
  const writing = new SegmentLog(builder, log.read);
  const chunks: Uint8Array[] = [];
  for await (const chunk of writing.write(log.items.filter((item) => item.baseOffset >= baseOffset))) {
    chunks.push(Buffer.from(chunk));
  }
  return { baseOffset, log: Buffer.concat(chunks), ...builder.finish(), copied: writing.copied };
}

/** The log cut into segments, each beginning with the fold of those before it. */
export async function buildSegments(log: HotLog, limits: SegmentLimits = LIMITS): Promise<BuiltSegment[]> {
  const segments: BuiltSegment[] = [];
  for (let baseOffset = log.items[0]?.baseOffset ?? 0; baseOffset < log.logEndOffset; ) {
    const before = segments.at(-1)?.indexes;
    const segment = await buildSegment(
      log,
      {
        baseOffset,
        producers: before === undefined ? [] : decodeProducerSnapshot(before.producerSnapshot),
        epochs: before === undefined ? [] : decodeLeaderEpochCheckpoint(before.leaderEpochCheckpoint),
      },
      limits,
    );
    segments.push(segment);
    baseOffset = segment.content.lastOffset + 1;
  }
  return segments;
}

export const record = (
  key: string | null,
  value: string | null,
  timestamp: number,
  headers: ProducerRecord["headers"] = [],
): ProducerRecord => ({
  key: key === null ? null : Buffer.from(key),
  value: value === null ? null : Buffer.from(value),
  headers,
  timestamp,
});
