import { type LogKey, partitionOf } from "../../log/log-item.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import type { SegmentPlace, SegmentRegistry } from "../../log/segment-registry.ts";

/** Registered segments in memory, for the simulation and tests. Linearizable, deterministic, without timers. */
export class MemorySegmentRegistry implements SegmentRegistry {
  readonly #segments = new Map<LogKey, SegmentMetadata[]>();
  readonly #states = new Map<LogKey, TieringState>();

  async addSegment(segment: SegmentMetadata): Promise<boolean> {
    const segments = this.#of(segment.log);
    const present = segments.find((other) => order(other, segment) === 0);
    if (present !== undefined) return isSame(present, segment);
    segments.push(structuredClone(segment));
    segments.sort(order);
    return true;
  }

  async replaceSegment(segment: SegmentMetadata): Promise<boolean> {
    const segments = this.#of(segment.log);
    const at = segments.findIndex((other) => order(other, segment) === 0);
    const present = segments[at];
    if (present === undefined) return false;
    if (isSame(present, segment)) return true;
    if (present.version !== segment.version - 1) return false;
    segments[at] = structuredClone(segment);
    return true;
  }

  async removeSegment(segment: SegmentMetadata): Promise<boolean> {
    const segments = this.#of(segment.log);
    const at = segments.findIndex((other) => order(other, segment) === 0);
    if (at < 0) return true;
    if (segments[at]!.state !== "DELETE_SEGMENT_STARTED") return false;
    segments.splice(at, 1);
    return true;
  }

  async listSegments(
    log: LogKey,
    { limit, after }: { limit: number; after?: SegmentPlace },
  ): Promise<SegmentMetadata[]> {
    const behind = this.#of(log).filter((segment) => after === undefined || order(segment, after) > 0);
    return structuredClone(behind.slice(0, limit));
  }

  async segmentsAtOrBelow(log: LogKey, offset: number, limit: number): Promise<SegmentMetadata[]> {
    const found = this.#of(log).filter(({ baseOffset }) => baseOffset <= offset);
    return structuredClone(found.reverse().slice(0, limit));
  }

  async readTieringState(log: LogKey): Promise<TieringState | undefined> {
    return structuredClone(this.#states.get(log));
  }

  async readTieringStates(topicId: string): Promise<TieringState[]> {
    const states = [...this.#states.values()].filter(({ log }) => partitionOf(log).topicId === topicId);
    const partition = ({ log }: TieringState) => partitionOf(log).partition;
    return structuredClone(states.sort((one, other) => partition(one) - partition(other)));
  }

  async writeTieringState(state: TieringState): Promise<boolean> {
    const present = this.#states.get(state.log);
    if (present !== undefined && isSame(present, state)) return true;
    if ((present?.version ?? 0) !== state.version - 1) return false;
    this.#states.set(state.log, structuredClone(state));
    return true;
  }

  async removeLog(log: LogKey, limit: number): Promise<number> {
    const removed = this.#of(log).splice(0, limit).length;
    if (this.#of(log).length === 0) {
      this.#segments.delete(log);
      this.#states.delete(log);
    }
    return removed;
  }

  #of(log: LogKey): SegmentMetadata[] {
    const segments = this.#segments.get(log) ?? [];
    this.#segments.set(log, segments);
    return segments;
  }
}

function order(one: SegmentPlace, other: SegmentPlace): number {
  const byOffset = one.baseOffset - other.baseOffset;
  if (byOffset !== 0 || one.segmentId === other.segmentId) return byOffset;
  return one.segmentId < other.segmentId ? -1 : 1;
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}
