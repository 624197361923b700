import type { Result } from "../../kafka/result.ts";
import { logKey } from "../../log/log-item.ts";
import { OVER } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { expectedColdBytes, isCold } from "../cold/expected-bytes.ts";
import { type Fetched, type FetchRefusal, type FetchRequest, fetch } from "../fetch.ts";
import { unknownTopic } from "../locate-partition.ts";
import { topicOfId } from "./named-partitions.ts";
import type { Position } from "./start-positions.ts";

export interface FetchPartitions {
  /** Each of another partition. Those that come first are read first: whoever moves what it has just read to the end is fair. */
  readonly positions: readonly Position[];
  /** Bytes of RecordBatches in all; the first batch comes whatever its size (KIP-74). */
  readonly maxBytes: number;
  /** {@link FetchRequest.maxColdBytes}, in all. */
  readonly maxColdBytes?: number;
  /** Waits so long, in milliseconds, for the first record. */
  readonly maxWaitMs: number;
  /** It has waited before: the next look is as late as the last one was, and not at once. */
  readonly isWaiting?: boolean;
  /** Ends the wait: the client is gone. */
  readonly signal?: AbortSignal;
}

/** What there was from a position on: `ok` with batches, or a refusal (OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, a store's). */
export interface FetchedPartition {
  readonly position: Position;
  readonly fetched: Result<Fetched, FetchRefusal>;
}

const READS_AT_ONCE = 8;
/** Of what an answer may have from segments: with less left no segment is begun or gone on with. */
const LEAST_COLD_PART = 1 / 4;
const FIRST_WAIT_MS = 20;
/** Of four partitions; more are looked at less often, so that waiting costs no more, but every 5 s. */
const LONGEST_WAIT_MS = 1_000;
const PARTITIONS_A_LOOK = 4;
const MAX_WAIT_MS = 5_000;
const MANY_LOOKS = 10;

/**
 * Fetch of many partitions: each gets its share of `maxBytes`, and what is left over goes to those that have more; one that is read from segments gets
 * all that is left, since a request there costs the same whatever it brings. Answers with those that have records or are refused, in order of the
 * positions; a partition may come twice, and goes on then where it ended. None: nothing came in time.
 */
export async function fetchPartitions(broker: Broker, request: FetchPartitions): Promise<FetchedPartition[]> {
  const { positions, maxWaitMs, isWaiting, signal } = request;
  const deadline = broker.clock.now() + maxWaitMs;
  for (let looks = isWaiting ? MANY_LOOKS : 0; ; looks++) {
    const found = await fetchOnce(broker, request);
    const remainingMs = deadline - broker.clock.now();
    if (found.length > 0 || remainingMs <= 0 || signal?.aborted || positions.length === 0) return found;
    await waitForAny(broker, positions, looks, remainingMs, signal);
  }
}

async function fetchOnce(
  broker: Broker,
  { positions, maxBytes, maxColdBytes = maxBytes }: FetchPartitions,
): Promise<FetchedPartition[]> {
  const found: FetchedPartition[] = [];
  const withMore: Position[] = [];
  let size = 0;
  const left = () => ({ hot: maxBytes - size, cold: hasColdRoom(maxColdBytes - size, maxColdBytes) });
  const take = (position: Position, fetched: Result<Fetched, FetchRefusal>, mostBytes: number) => {
    if (!fetched.ok) {
      found.push({ position, fetched });
      return;
    }
    const { batches, nextOffset, highWatermark } = fetched.value;
    if (batches.length === 0) return;
    // What is one batch too much is read again by the next fetch, which begins with it.
    if (size > 0 && size + batches.length > mostBytes) return;
    size += batches.length;
    found.push({ position, fetched });
    if (nextOffset < highWatermark) withMore.push({ ...position, offset: nextOffset });
  };
  const mostOf = ({ cold }: Pick<Placed, "cold">) => (cold ? maxColdBytes : maxBytes);
  for (let from = 0; from < positions.length && (left().hot > 0 || left().cold); ) {
    const group = await nextGroup(broker, positions, from, maxColdBytes - size);
    const share = Math.max(1, Math.floor(left().hot / (positions.length - from)));
    from += group.length;
    const some = group.filter(({ cold }) => (cold ? left().cold : left().hot > 0));
    const coldBytes = maxColdBytes - size;
    const fetches = some.map(({ position, cold }) =>
      fetchNow(broker, position, { maxBytes: share, maxColdBytes: cold ? coldBytes : share }),
    );
    for (const [index, fetched] of (await Promise.all(fetches)).entries()) {
      take(some[index]!.position, fetched, mostOf(some[index]!));
    }
  }
  for (const position of withMore) {
    const { hot, cold: hasRoom } = left();
    if (hot <= 0 && !hasRoom) break;
    const cold = await isCold(broker, position);
    if (cold ? !hasRoom : hot <= 0) continue;
    const limits = { maxBytes: Math.max(1, hot), maxColdBytes: Math.max(1, maxColdBytes - size) };
    const fetched = await fetchNow(broker, position, limits);
    if (fetched.ok) take(position, fetched, mostOf({ cold }));
  }
  return found;
}

/** For little it is not worth a request. */
function hasColdRoom(leftBytes: number, maxColdBytes: number): boolean {
  return leftBytes > 0 && leftBytes >= maxColdBytes * LEAST_COLD_PART;
}

/** `cold`: it is read from a segment. */
interface Placed {
  readonly position: Position;
  readonly cold: boolean;
}

/** The next ones that are read at once: of those in segments as many as fit into the answer, so that nothing is read and then left. One at least. */
async function nextGroup(
  broker: Broker,
  positions: readonly Position[],
  from: number,
  coldBytes: number,
): Promise<readonly Placed[]> {
  const some = positions.slice(from, from + READS_AT_ONCE);
  const cold = await Promise.all(some.map((position) => isCold(broker, position)));
  const group: Placed[] = [];
  let room = coldBytes;
  for (const [index, position] of some.entries()) {
    if (cold[index]!) {
      room -= (await expectedColdBytes(broker, position)) ?? 0;
      if (room < 0 && group.length > 0) break;
    }
    group.push({ position, cold: cold[index]! });
  }
  return group;
}

async function fetchNow(
  broker: Broker,
  { topic, topicId, partition, offset }: Position,
  limits: Pick<FetchRequest, "maxBytes" | "maxColdBytes">,
): Promise<Result<Fetched, FetchRefusal>> {
  const isThere = async () => topicId === undefined || (await topicOfId(broker, topic, topicId)) !== undefined;
  if (!(await isThere())) return unknownTopic(topic);
  const fetched = await fetch(broker, { topic, partition, offset, ...limits, minBytes: 0, maxWaitMs: 0 });
  // A fetch that meets the end of a deleted topic's log asks for its name once more.
  return (await isThere()) ? fetched : unknownTopic(topic);
}

/** Until something may have been appended to any of them: wait-for-append.ts, for many. */
async function waitForAny(
  broker: Broker,
  positions: readonly Position[],
  looks: number,
  remainingMs: number,
  signal: AbortSignal | undefined,
): Promise<void> {
  const longest = Math.min(MAX_WAIT_MS, LONGEST_WAIT_MS * Math.ceil(positions.length / PARTITIONS_A_LOOK));
  const waitMs = Math.min(longest, FIRST_WAIT_MS * 2 ** Math.min(looks, MANY_LOOKS), remainingMs);
  const woken = new AbortController();
  const wake = () => woken.abort(OVER);
  const unsubscribes: (() => void)[] = [];
  for (const { topic, partition } of positions) {
    const known = await broker.topics.get(topic);
    if (known !== undefined) unsubscribes.push(broker.bell.onRing(logKey(known.item.topicId, partition), wake));
  }
  signal?.addEventListener("abort", wake, { once: true });
  try {
    await broker.clock.sleep(waitMs, woken.signal);
  } finally {
    for (const unsubscribe of unsubscribes) unsubscribe();
    signal?.removeEventListener("abort", wake);
  }
}
