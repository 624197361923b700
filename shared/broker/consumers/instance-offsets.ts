import { refuse } from "../../kafka/kafka-error.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { commitOffsets, type NamedOffset } from "../groups/commit-offsets.ts";
import { fetchOffsets } from "../groups/fetch-offsets.ts";
import type { NamedPartition } from "../groups/named-partitions.ts";
import { findForChange, findInstance } from "./find-instance.ts";
import { type InstanceCall, type InstanceName, isMember, MAX_INSTANCE_PARTITIONS } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import type { InstanceResult } from "./instance-refusal.ts";
import { knownPartitions } from "./known-partitions.ts";

/** What a group has committed for a partition: the next offset to read. */
export interface CommittedPosition extends NamedPartition {
  readonly offset: number;
  readonly metadata: string;
}

/**
 * Commits the given offsets (each the next one to read), or, without any, where the instance's next poll begins in each of its partitions: all
 * that was handed out. A member commits what is its own, any other instance while its group has no members. Refusals: topic-not-found,
 * partition-not-found; contended: what the given up call meant by all is more by now; those of commitOffsets: some may be committed then, and all may be
 * committed again.
 */
export async function commitInstanceOffsets(
  broker: Broker,
  call: InstanceCall,
  given: readonly NamedOffset[] | undefined,
): Promise<InstanceResult<void>> {
  const receivedAt = arrivalOf(broker, call.receivedAt);
  const found =
    given === undefined ? await findForChange(broker, { ...call, receivedAt }) : await findInstance(broker, call);
  if (!found.ok) return found;
  const { groupId, memberId, memberEpoch, positions } = found.value;
  let offsets = given;
  if (offsets === undefined) {
    offsets = positions.flatMap(({ topic, partition, offset }) =>
      offset === undefined ? [] : [{ topic, partition, offset }],
    );
  } else {
    const known = await knownPartitions(broker, offsets);
    if (!known.ok) return known;
    offsets = known.value;
  }
  if (offsets.length === 0) return ok(undefined);
  const member = isMember(found.value) ? { memberId, memberEpoch } : {};
  const committed = await commitOffsets(broker, { groupId, ...member, receivedAt, offsets });
  if (!committed.ok) return committed;
  const refusal = committed.value.find((each) => each.refusal !== undefined)?.refusal;
  return refusal === undefined ? ok(undefined) : { ok: false, refusal };
}

/** What the instance's group has committed for these partitions; those that have nothing, or do not exist, are left out. */
export async function committedOf(
  broker: Broker,
  name: InstanceName,
  partitions: readonly NamedPartition[],
): Promise<InstanceResult<CommittedPosition[]>> {
  const found = await findInstance(broker, name);
  if (!found.ok) return found;
  if (partitions.length > MAX_INSTANCE_PARTITIONS) {
    const hint = `at most ${MAX_INSTANCE_PARTITIONS} in one request`;
    return { ok: false, refusal: refuse("INVALID_REQUEST", `${partitions.length} partitions`, hint) };
  }
  if (partitions.length === 0) return ok([]);
  const fetched = await fetchOffsets(broker, { groupId: name.groupId, partitions });
  if (!fetched.ok) return fetched;
  return ok(
    fetched.value.flatMap((each) => {
      if (!each.ok || each.value.offset === undefined) return [];
      const { topic, partition, offset, metadata = "" } = each.value;
      return [{ topic, partition, offset, metadata }];
    }),
  );
}
