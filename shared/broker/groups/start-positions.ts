import { type AutoOffsetReset, startOffset } from "../../group/offset-reset.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, listOffsets } from "../list-offsets.ts";
import { fetchOffsets } from "./fetch-offsets.ts";
import type { IdentifiedPartition, NamedPartition } from "./named-partitions.ts";

/** The next offset that a consumer reads of a partition. */
export interface Position extends IdentifiedPartition {
  readonly offset: number;
}

export interface StartPositions {
  readonly groupId: string;
  /** As of {@link fetchOffsets}. */
  readonly memberId?: string;
  readonly memberEpoch?: number;
  readonly partitions: readonly IdentifiedPartition[];
  readonly autoOffsetReset: AutoOffsetReset;
}

/** Where a consumer begins. `isCommitted`: the group has committed it; else it comes from auto.offset.reset. */
export interface StartPosition extends Position {
  readonly isCommitted: boolean;
}

const READS_AT_ONCE = 16;

/**
 * Where a consumer begins with each of these partitions, in order: at the committed offset, or where auto.offset.reset says. That a committed offset
 * lies in the log is found out by the fetch (OFFSET_OUT_OF_RANGE), which then asks {@link resetPosition}. Refusals: of the request as a whole
 * those of fetchOffsets; of one partition UNKNOWN_TOPIC_OR_PARTITION, and OFFSET_OUT_OF_RANGE with auto.offset.reset "none".
 */
export async function startPositions(
  broker: Broker,
  { autoOffsetReset, ...request }: StartPositions,
): Promise<Result<Result<StartPosition>[]>> {
  const fetched = await fetchOffsets(broker, request);
  if (!fetched.ok) return fetched;
  const positions: Result<StartPosition>[] = [];
  await sideBySide([...fetched.value.entries()], READS_AT_ONCE, async ([index, each]) => {
    positions[index] = each.ok ? await beginningOf(broker, each.value, autoOffsetReset) : each;
  });
  return ok(positions);
}

async function beginningOf(
  broker: Broker,
  { topic, partition, offset }: NamedPartition & { readonly offset: number | undefined },
  autoOffsetReset: AutoOffsetReset,
): Promise<Result<StartPosition>> {
  if (offset !== undefined) return ok({ topic, partition, offset, isCommitted: true });
  const reset = await resetPosition(broker, { topic, partition }, autoOffsetReset);
  return reset.ok ? ok({ topic, partition, offset: reset.value, isCommitted: false }) : reset;
}

/** Where auto.offset.reset leads to, with no offset committed or one that is not in the log. Refusals: OFFSET_OUT_OF_RANGE with "none". */
export async function resetPosition(
  broker: Broker,
  { topic, partition }: NamedPartition,
  autoOffsetReset: AutoOffsetReset,
): Promise<Result<number, Refusal>> {
  if (autoOffsetReset === "none") return startOffset(undefined, "none", { logStartOffset: 0, endOffset: 0 });
  const timestamp = autoOffsetReset === "earliest" ? EARLIEST_TIMESTAMP : LATEST_TIMESTAMP;
  const listed = await listOffsets(broker, { topic, partition, timestamp });
  return listed.ok ? ok(listed.value.offset) : listed;
}
