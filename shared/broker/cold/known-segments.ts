import type { LogKey } from "../../log/log-item.ts";
import { type CoveredStretch, coveringSegments, stretchAt } from "../../log/segment/covering-segments.ts";
import type { BrokerParts } from "../broker.ts";
import { type Lineage, lineageOf } from "../lineage.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { untilKnown } from "../until-known.ts";

/**
 * Readers see so late what compaction did in another process. Far less than SUPERSEDED_KEPT_MS: what another segment took the place of is there for as
 * long as somebody goes by it.
 */
const KNOWN_MS = 60_000;

/** Of all logs together, and of one; each takes about a KiB. */
const MAX_STRETCHES = 10_000;
const MAX_OF_ONE_LOG = 200;

/** What a reader who comes to an offset asks for: the segment that holds it, copies beside it, and where it will read on. */
const BELOW = 4;
const AHEAD = 12;

/** As many copies may lie one upon the other, finished or not, before the one that holds an offset. */
const MOST_BELOW = 1000;

/** Above all ids of segments. */
const LAST_ID = "~";

interface Known {
  readonly stretch: CoveredStretch;
  /** Milliseconds since the epoch. */
  readonly readAt: number;
}

type Parts = Pick<BrokerParts, "segmentRegistry" | "clock" | "random">;

/**
 * Which segment an offset is read from, as this process read it at most KNOWN_MS ago; a few stretches of each log, whatever its
 * length. All segments that hold an offset hold the same log, so that any of them will do; one that is gone is found out by its
 * missing object.
 */
export class KnownSegments {
  readonly #parts: Parts;
  /** The log used longest ago first. */
  readonly #known = new Map<Lineage, Known[]>();
  #count = 0;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** undefined: no segment that is read holds the offset. Errors: those of the registry. */
  async stretchAt(
    log: LogKey,
    registration: PartitionRegistration,
    offset: number,
  ): Promise<CoveredStretch | undefined> {
    const lineage = lineageOf(log, registration);
    const known = this.#find(lineage, offset);
    if (known !== undefined) return known;
    const cover = await this.coverFrom(log, registration, offset, AHEAD);
    this.#keep(lineage, cover);
    return cover[0];
  }

  /**
   * The stretches from the one that holds `offset` on, without a gap; of up to `ahead` segments that begin behind it. None: no
   * segment holds it. Errors: those of the registry.
   */
  async coverFrom(
    log: LogKey,
    { uncleanElections }: PartitionRegistration,
    offset: number,
    ahead: number,
  ): Promise<CoveredStretch[]> {
    const { segmentRegistry } = this.#parts;
    if (segmentRegistry === undefined) return [];
    const readBelow = (limit: number) => segmentRegistry.segmentsAtOrBelow(log, offset, limit);
    const after = { baseOffset: offset, segmentId: LAST_ID };
    const readAbove = () => segmentRegistry.listSegments(log, { limit: ahead, after });
    const [below, above] = await Promise.all([
      untilKnown(this.#parts, "reading segments", () => readBelow(BELOW)),
      untilKnown(this.#parts, "reading segments", readAbove),
    ]);
    const cover = unclipped(coveringSegments([...below, ...above], offset, uncleanElections));
    if (cover.length > 0 || below.length < BELOW) return cover;
    const all = await untilKnown(this.#parts, "reading segments", () => readBelow(MOST_BELOW));
    return unclipped(coveringSegments([...all, ...above], offset, uncleanElections));
  }

  /** What is known of the log turned out to be old. */
  forget(log: LogKey, registration: PartitionRegistration): void {
    const lineage = lineageOf(log, registration);
    this.#count -= this.#known.get(lineage)?.length ?? 0;
    this.#known.delete(lineage);
  }

  #find(lineage: Lineage, offset: number): CoveredStretch | undefined {
    const known = this.#known.get(lineage);
    if (known === undefined) return undefined;
    this.#known.delete(lineage);
    this.#known.set(lineage, known);
    const recent = this.#parts.clock.now() - KNOWN_MS;
    return known.find(({ stretch, readAt }) => readAt > recent && stretchAt([stretch], offset) !== undefined)?.stretch;
  }

  #keep(lineage: Lineage, cover: readonly CoveredStretch[]): void {
    const readAt = this.#parts.clock.now();
    const before = this.#known.get(lineage) ?? [];
    const first = cover[0]?.fromOffset ?? 0;
    const last = cover.at(-1)?.toOffset ?? -1;
    const apart = before.filter(
      ({ stretch, readAt: at }) => readAt - at < KNOWN_MS && (stretch.toOffset < first || stretch.fromOffset > last),
    );
    const known = [...apart, ...cover.map((stretch) => ({ stretch, readAt }))].slice(-MAX_OF_ONE_LOG);
    this.#known.delete(lineage);
    this.#known.set(lineage, known);
    this.#count += known.length - before.length;
    for (const [oldest, { length }] of this.#known) {
      if (this.#count <= MAX_STRETCHES || oldest === lineage) break;
      this.#known.delete(oldest);
      this.#count -= length;
    }
  }
}

/** The first stretch from where its segment begins: what lies before the offset that was asked for is as good. */
function unclipped([first, ...others]: CoveredStretch[]): CoveredStretch[] {
  return first === undefined ? [] : [{ ...first, fromOffset: first.segment.baseOffset }, ...others];
}
