import { compactedLog, mapKeys } from "../../../../shared/log/compact-batches.ts";
import { OffsetMap } from "../../../../shared/log/compact-offset-map.ts";
import { compactionGroups, compactionRound } from "../../../../shared/log/compact-plan.ts";
import { type RetentionTerms, retentionTerms } from "../../../../shared/log/retention-terms.ts";
import {
  type CoveredStretch,
  coveringSegments,
  tieredEndOffset,
} from "../../../../shared/log/segment/covering-segments.ts";
import { rangeAt } from "../../../../shared/log/segment/lookup.ts";
import { OffsetIndex } from "../../../../shared/log/segment/offset-index.ts";
import { decodeProducerSnapshot } from "../../../../shared/log/segment/producer-snapshot.ts";
import { SegmentBuilder, type SegmentStart } from "../../../../shared/log/segment/segment-builder.ts";
import { joinIndexes, splitIndexes } from "../../../../shared/log/segment/segment-indexes.ts";
import { orphanedKeys, segmentKeys, segmentPrefix } from "../../../../shared/log/segment/segment-keys.ts";
import { SegmentLog } from "../../../../shared/log/segment/segment-log.ts";
import type { SegmentMetadata } from "../../../../shared/log/segment/segment-metadata.ts";
import { beginCopy, beginDelete, finishCopy } from "../../../../shared/log/segment/segment-state.ts";
import { copyUnderWay, sealableItems, unneededSegments } from "../../../../shared/log/segment/tiering-plan.ts";
import { initialTieringState } from "../../../../shared/log/segment/tiering-state.ts";
import { MemorySegmentRegistry } from "../../../../shared/storage/memory/memory-segment-registry.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import type { HotLog } from "./hot-log.ts";

export const LOG = "topic#0";
const MAX_BATCH_BYTES = 1024 * 1024;
const DELETE_RETENTION_MS = 30 * 60 * 1000;

/** The stores of a partition, its hot log, and runs over them that pause after every request: where they may be overtaken, or killed. */
export class UpkeepRuns {
  readonly registry = new MemorySegmentRegistry();
  readonly store = new MemorySegmentStore();
  readonly hot: HotLog;
  terms: RetentionTerms;
  logStartOffset = 0;
  now = 1_700_000_000_000;
  #ids = 0;

  constructor(hot: HotLog, segmentBytes: number) {
    this.hot = hot;
    const configs = { "cleanup.policy": "compact,delete", "min.cleanable.dirty.ratio": "0.3", "retention.ms": "-1" };
    this.terms = { ...retentionTerms(configs), segmentBytes, indexIntervalBytes: 500 };
  }

  segments(): Promise<SegmentMetadata[]> {
    return this.registry.listSegments(LOG, { limit: 1000 });
  }

  async cover(): Promise<CoveredStretch[]> {
    return coveringSegments(await this.segments(), this.logStartOffset);
  }

  async *tier(): AsyncGenerator {
    const segments = await this.segments();
    const cover = coveringSegments(segments, this.logStartOffset);
    const baseOffset = tieredEndOffset(cover, this.logStartOffset);
    yield;
    if (copyUnderWay(segments, baseOffset, this.now) !== undefined) return;
    const items = [...sealableItems(this.hot.items, baseOffset, this.hot.logEndOffset)];
    if (items.length === 0) return;
    const builder = new SegmentBuilder({ baseOffset, producers: [], epochs: [] }, this.terms);
    const writing = new SegmentLog(builder, this.hot.read);
    const started = beginCopy({ ...this.#named(), baseOffset });
    yield* this.#copy(
      started,
      builder,
      () => writing.write(items),
      () => writing.copied.itemObjects,
    );
  }

  async *compact(): AsyncGenerator {
    const cover = await this.cover();
    const state = await this.registry.readTieringState(LOG);
    yield;
    const round = compactionRound(cover, state?.cleanedOffset ?? 0, this.terms, this.now);
    if (round === undefined) return;
    const map = new OffsetMap(24 * 32);
    const mapEndOffset = await mapKeys(
      map,
      await Promise.all(round.dirty.map((stretch) => this.#source(stretch))),
      MAX_BATCH_BYTES,
    );
    yield;
    const { now } = this;
    const terms = {
      map,
      mapEndOffset,
      now,
      deleteRetentionMs: DELETE_RETENTION_MS,
      lastOffsets: new Map(),
      maxBatchBytes: MAX_BATCH_BYTES,
    };
    for (const group of compactionGroups(cover, mapEndOffset, this.terms)) {
      const { fromOffset } = group[0]!;
      const { toOffset, segment } = group.at(-1)!;
      const last = await this.#indexes(segment);
      yield;
      if (last === undefined) return;
      const start: SegmentStart = {
        baseOffset: fromOffset,
        producers: decodeProducerSnapshot(last.producerSnapshot),
        epochs: [],
        isFoldedToEnd: true,
      };
      const builder = new SegmentBuilder(start, this.terms);
      const sources = await Promise.all(group.map((stretch) => this.#source(stretch)));
      const started = beginCopy({ ...this.#named(), baseOffset: fromOffset, compactedThrough: mapEndOffset });
      if (
        !(yield* this.#copy(
          started,
          builder,
          () => compactedLog(builder, terms, sources),
          () => [],
          toOffset,
        ))
      )
        return;
    }
    const next = { ...(state ?? initialTieringState(LOG, 0, now)), cleanedOffset: mapEndOffset };
    await this.registry.writeTieringState({ ...next, version: (state?.version ?? 0) + 1 });
  }

  async *clean(): AsyncGenerator {
    const objects = await this.store.listObjects(segmentPrefix(LOG), { maxKeys: 1000 });
    yield;
    const segments = await this.segments();
    yield;
    const context = { logStartOffset: this.logStartOffset, localLogStartOffset: this.hot.logEndOffset, now: this.now };
    for (const segment of unneededSegments(segments, context)) {
      const deleting = beginDelete(segment, this.now);
      if (deleting !== segment && !(await this.registry.replaceSegment(deleting))) continue;
      yield;
      await this.store.deleteObjects(Object.values(segmentKeys(segment)));
      yield;
      await this.registry.removeSegment(deleting);
      yield;
    }
    const registered = new Set(segments.map(({ segmentId }) => segmentId));
    const keys = objects.map(({ key }) => key);
    await this.store.deleteObjects(orphanedKeys(LOG, keys, registered, this.now));
  }

  /** The bytes of a stretch, as a reader finds them; undefined: the segment has no objects. */
  async read({ segment, fromOffset }: CoveredStretch): Promise<Uint8Array | undefined> {
    const indexes = await this.#indexes(segment);
    if (indexes === undefined) return undefined;
    const { sizeInBytes } = segment.content;
    const index = new OffsetIndex(segment.baseOffset, indexes.offsetIndex);
    const { start } = rangeAt(index, sizeInBytes, fromOffset, sizeInBytes);
    return this.store.getObject(segmentKeys(segment).log, { start, end: sizeInBytes });
  }

  async #indexes(segment: CoveredStretch["segment"]) {
    const bytes = await this.store.getObject(segmentKeys(segment).indexes);
    return bytes === undefined ? undefined : splitIndexes(bytes, segment.content.indexSizes);
  }

  async #source(stretch: CoveredStretch) {
    return { ...stretch, chunks: [(await this.read(stretch)) ?? new Uint8Array(7)] };
  }

  #named() {
    return { log: LOG, segmentId: `id${this.#ids++}`, startedAt: this.now, brokerId: 1, committedIn: 0 } as const;
  }

  /** Whether it was finished. */
  async *#copy(
    started: SegmentMetadata,
    builder: SegmentBuilder,
    write: () => AsyncGenerator<Uint8Array>,
    itemObjects: () => readonly string[],
    lastOffset?: number,
  ): AsyncGenerator<undefined, boolean> {
    const keys = segmentKeys(started);
    if (!(await this.registry.addSegment(started))) return false;
    yield;
    const chunks: Uint8Array[] = [];
    for await (const chunk of write()) chunks.push(chunk);
    await this.store.putObject(keys.log, Buffer.concat(chunks));
    yield;
    const { content, indexes } = builder.finish(lastOffset);
    const { bytes, sizes } = joinIndexes(indexes, itemObjects());
    await this.store.putObject(keys.indexes, bytes);
    yield;
    return this.registry.replaceSegment(finishCopy(started, { ...content, indexSizes: sizes }, this.now));
  }
}
