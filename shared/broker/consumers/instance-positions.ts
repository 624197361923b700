import type { FetchedPartition } from "../groups/fetch-partitions.ts";
import type { NamedPartition } from "../groups/named-partitions.ts";
import type { PollPosition } from "../groups/poll.ts";
import type { Position } from "../groups/start-positions.ts";
import type { InstanceState } from "./instance.ts";

const nameOf = ({ topic, partition }: NamedPartition) => `${partition}#${topic}`;

/** Bytes of RecordBatches in what was found. */
export function bytesOf(found: readonly FetchedPartition[]): number {
  return found.reduce((bytes, { fetched }) => bytes + (fetched.ok ? fetched.value.batches.length : 0), 0);
}

/** Where to read on behind what was found; what was read is last, so that others come first. */
export function behind(
  positions: readonly PollPosition[],
  found: readonly FetchedPartition[],
): readonly PollPosition[] {
  const ends = found.flatMap(({ position, fetched }) =>
    fetched.ok ? [{ ...position, offset: fetched.value.nextOffset }] : [],
  );
  return movedLast(positions, ends);
}

/**
 * Where the next poll begins: behind what was handed out, and before what was found and left. `before`: before this poll read. A partition that
 * more was handed out of counts as read, and is last.
 */
export function afterHandOut(
  before: readonly PollPosition[],
  found: readonly FetchedPartition[],
  handedOut: readonly Position[],
): readonly PollPosition[] {
  // A partition that lay outside of its log begins where it was found.
  const beginnings = new Map<string, number>();
  for (const { position } of found) {
    if (!beginnings.has(nameOf(position))) beginnings.set(nameOf(position), position.offset);
  }
  const at = before.map((each) => {
    const offset = beginnings.get(nameOf(each)) ?? each.offset;
    return offset === each.offset || offset === undefined ? each : { ...each, offset };
  });
  return movedLast(at, handedOut);
}

function movedLast(positions: readonly PollPosition[], moved: readonly Position[]): readonly PollPosition[] {
  if (moved.length === 0) return positions;
  const offsets = new Map(moved.map((each) => [nameOf(each), each.offset]));
  const stays = positions.filter((each) => !offsets.has(nameOf(each)));
  const last = positions.filter((each) => offsets.has(nameOf(each)));
  return [...stays, ...last.map((each) => ({ ...each, offset: offsets.get(nameOf(each))! }))];
}

/** Whether nothing has changed but when a heartbeat is due, which is as well asked for too early. */
export function isSamePlace(one: InstanceState, other: InstanceState): boolean {
  return (
    one.memberEpoch === other.memberEpoch &&
    one.positions.length === other.positions.length &&
    one.positions.every((each, index) => isSamePosition(each, other.positions[index]!))
  );
}

function isSamePosition(one: PollPosition, other: PollPosition): boolean {
  return (
    one.topicId === other.topicId &&
    one.partition === other.partition &&
    one.offset === other.offset &&
    one.committedOffset === other.committedOffset
  );
}
