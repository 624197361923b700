import type { RetentionTerms } from "./retention-terms.ts";
import type { CoveredStretch } from "./segment/covering-segments.ts";

const INT_MAX = 2 ** 31 - 1;

/** What one round of compaction is about. */
export interface CompactionRound {
  /** The first dirty offset: keys are mapped from here on. */
  readonly fromOffset: number;
  /** Up to here, exclusive; the round ends earlier if the map is full. */
  readonly toOffset: number;
  /** The stretches that keys are mapped of, in order, from the first offset up to the last. */
  readonly dirty: readonly CoveredStretch[];
}

/**
 * Whether a compacted log is to be cleaned now, and how far, as Kafka's LogCleanerManager decides: more than
 * min.cleanable.dirty.ratio of its bytes are dirty, or a dirty record is older than max.compaction.lag.ms; nothing newer than
 * min.compaction.lag.ms. Only what is in segments is cleaned: the hot items are the active segment. A round that was begun and
 * not finished goes on, to the same end. `cleanedOffset`: as the tiering state has it.
 */
export function compactionRound(
  cover: readonly CoveredStretch[],
  cleanedOffset: number,
  terms: RetentionTerms,
  now: number,
): CompactionRound | undefined {
  if (!terms.isCompacted) return undefined;
  const logStartOffset = cover[0]?.fromOffset ?? 0;
  const tieredEnd = (cover.at(-1)?.toOffset ?? -1) + 1;
  // After an unclean election the log may end below what was cleaned of it: all of it counts as dirty again.
  const fromOffset = cleanedOffset < logStartOffset || cleanedOffset > tieredEnd ? logStartOffset : cleanedOffset;
  const begun = Math.max(...cover.map(({ segment }) => segment.compactedThrough ?? 0));
  const isBegun = begun > fromOffset && begun <= tieredEnd;
  const dirty = cover.filter(({ toOffset }) => toOffset >= fromOffset);
  const tooNew = (stretch: CoveredStretch) => stretch.segment.content.maxTimestamp > now - terms.minCompactionLagMs;
  const end = !isBegun && terms.minCompactionLagMs > 0 ? dirty.findIndex(tooNew) : -1;
  const cleanable = isBegun
    ? dirty.filter((stretch) => stretch.fromOffset < begun)
    : dirty.slice(0, end < 0 ? undefined : end);
  const last = cleanable.at(-1);
  if (last === undefined) return undefined;
  const toOffset = isBegun ? begun : last.toOffset + 1;
  const cleanBytes = bytesOf(cover.filter((stretch) => stretch.toOffset < fromOffset));
  const dirtyBytes = bytesOf(cleanable);
  const isDirty = dirtyBytes / (cleanBytes + dirtyBytes) > terms.minCleanableDirtyRatio;
  const isLate = cleanable.some(({ segment }) => {
    const { firstTimestamp } = segment.content;
    return firstTimestamp >= 0 && firstTimestamp < now - terms.maxCompactionLagMs;
  });
  if (!isBegun && !isDirty && !isLate) return undefined;
  return {
    fromOffset,
    toOffset,
    dirty: cleanable.map((stretch) => ({
      ...stretch,
      fromOffset: Math.max(stretch.fromOffset, fromOffset),
      toOffset: Math.min(stretch.toOffset, toOffset - 1),
    })),
  };
}

/**
 * What is rewritten in a round whose map ends at `mapEndOffset`: stretches that follow each other and fit into one segment, so that
 * segments do not become smaller and smaller. Ascending: an earlier record goes before the tombstone that superseded it gets
 * its horizon. Those that an interrupted round has done already are left out, so that a round may be done in
 * several runs. The segment that takes a group's place begins at its first offset and ends at its last; its `compactedThrough` is
 * `mapEndOffset`, its `hotUntil` the earliest of theirs.
 */
export function compactionGroups(
  cover: readonly CoveredStretch[],
  mapEndOffset: number,
  terms: RetentionTerms,
): CoveredStretch[][] {
  const groups: CoveredStretch[][] = [];
  let open: CoveredStretch[] = [];
  const close = () => {
    if (open.length > 0) groups.push(open);
    open = [];
  };
  for (const [index, covered] of cover.entries()) {
    // The log's start may lie within a batch: the first segment is rewritten from its own.
    const stretch = index === 0 ? { ...covered, fromOffset: covered.segment.baseOffset } : covered;
    if (stretch.fromOffset >= mapEndOffset) break;
    if ((stretch.segment.compactedThrough ?? -1) >= mapEndOffset) {
      close();
      continue;
    }
    if (open.length > 0 && !fitTogether([...open, stretch], terms)) close();
    open.push(stretch);
  }
  close();
  return groups;
}

function fitTogether(group: readonly CoveredStretch[], { segmentBytes, indexBytes }: RetentionTerms): boolean {
  const indexes = group.map(({ segment }) => segment.content.indexSizes);
  const total = (sizes: readonly number[]) => sizes.reduce((sum, size) => sum + size, 0);
  return (
    bytesOf(group) <= segmentBytes &&
    total(indexes.map(({ offsetIndex }) => offsetIndex)) <= indexBytes &&
    total(indexes.map(({ timeIndex }) => timeIndex)) <= indexBytes &&
    group.at(-1)!.toOffset - group[0]!.fromOffset <= INT_MAX
  );
}

function bytesOf(stretches: readonly CoveredStretch[]): number {
  return stretches.reduce((bytes, { segment }) => bytes + segment.content.sizeInBytes, 0);
}
