import { partitionKey } from "../../group/partitions-by-topic.ts";
import { refuse } from "../../kafka/kafka-error.ts";
import { ok } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import type { NamedPartition } from "../groups/named-partitions.ts";
import type { PollPosition } from "../groups/poll.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../list-offsets.ts";
import { changeInstance } from "./change-instance.ts";
import { type ConsumerInstance, type InstanceCall, type InstanceState, MAX_INSTANCE_PARTITIONS } from "./instance.ts";
import { type InstanceResult, illegalState } from "./instance-refusal.ts";

/** Where a partition's next poll is to begin: at an offset, or at the first record of a timestamp (milliseconds since the epoch) or later. */
export type Seek = NamedPartition & ({ readonly offset: number } | { readonly timestamp: number });

const READS_AT_ONCE = 16;

/**
 * Moves positions, all or none; of one partition the last seek counts. An offset need not be in the log: the next poll finds out, and begins where
 * auto.offset.reset says. Refusals: illegal-state for a partition that the instance does not have; INVALID_REQUEST for an offset below 0,
 * or too many of them; of a partition whose log cannot be asked.
 */
export function seek(broker: Broker, call: InstanceCall, seeks: readonly Seek[]): Promise<InstanceResult<void>> {
  return changeInstance(broker, call, async (instance): Promise<InstanceResult<Partial<InstanceState>>> => {
    if (seeks.length > MAX_INSTANCE_PARTITIONS)
      return invalid(`${seeks.length} positions, at most ${MAX_INSTANCE_PARTITIONS}`);
    const negative = seeks.find((each) => "offset" in each && !(Number.isSafeInteger(each.offset) && each.offset >= 0));
    if (negative !== undefined) return invalid("seek offset must not be a negative number");
    return movedTo(broker, instance, seeks);
  });
}

/** Moves positions to an end of their logs: those named, or, as with Kafka's consumers, all if none is. Refusals: as of {@link seek}. */
export function seekToEnd(
  broker: Broker,
  call: InstanceCall,
  partitions: readonly NamedPartition[],
  end: "beginning" | "end",
): Promise<InstanceResult<void>> {
  const timestamp = end === "beginning" ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP;
  return changeInstance(broker, call, async (instance): Promise<InstanceResult<Partial<InstanceState>>> => {
    const wanted = partitions.length === 0 ? instance.positions : partitions;
    if (wanted.length > MAX_INSTANCE_PARTITIONS)
      return invalid(`${wanted.length} partitions, at most ${MAX_INSTANCE_PARTITIONS}`);
    return movedTo(
      broker,
      instance,
      wanted.map(({ topic, partition }) => ({ topic, partition, timestamp })),
    );
  });
}

async function movedTo(
  broker: Broker,
  { positions }: ConsumerInstance,
  seeks: readonly Seek[],
): Promise<InstanceResult<Partial<InstanceState>>> {
  const had = new Map(positions.map((each) => [nameOf(each), each]));
  const targets = new Map<string, Seek>();
  for (const each of seeks) {
    if (!had.has(nameOf(each))) {
      const hint =
        "poll first if the instance is subscribed: its group assigns partitions then; GET assignments shows them";
      return illegalState(`No current assignment for partition ${each.topic}-${each.partition}`, hint);
    }
    targets.set(nameOf(each), each);
  }
  const moved = new Map<string, PollPosition>();
  let failed: InstanceResult<never> | undefined;
  await sideBySide([...targets.values()], READS_AT_ONCE, async (target) => {
    const offset = "offset" in target ? ok(target.offset) : await offsetAt(broker, target, target.timestamp);
    const position = had.get(nameOf(target))!;
    if (offset.ok) moved.set(partitionKey(position), { ...position, offset: offset.value });
    else failed = offset;
  });
  if (failed !== undefined) return failed;
  return ok({ positions: positions.map((each) => moved.get(partitionKey(each)) ?? each) });
}

/** The end of the log where no record is that young. */
async function offsetAt(
  broker: Broker,
  { topic, partition }: NamedPartition,
  timestamp: number,
): Promise<InstanceResult<number>> {
  const listed = await listOffsets(broker, { topic, partition, timestamp });
  if (!listed.ok) return listed;
  if (listed.value.offset >= 0) return ok(listed.value.offset);
  return offsetAt(broker, { topic, partition }, LATEST_TIMESTAMP);
}

const nameOf = ({ topic, partition }: NamedPartition) => `${partition}#${topic}`;

function invalid(message: string): InstanceResult<never> {
  return { ok: false, refusal: refuse("INVALID_REQUEST", message) };
}
