import { groupIdRefusal, idsRefusal, newMemberId } from "../../group/member-id.ts";
import { refuse } from "../../kafka/kafka-error.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { whileAvailable } from "../groups/coordinate.ts";
import { untilKnown } from "../until-known.ts";
import { instanceStoreOf } from "./find-instance.ts";
import { type ConsumerInstance, expiryAt, type InstanceCall, type InstanceConfig } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import { alreadyExists, type InstanceResult } from "./instance-refusal.ts";
import { newRevision } from "./write-instance.ts";

export interface CreateInstance extends InstanceConfig {
  readonly groupId: string;
  /** Absent: it gets one. */
  readonly instanceId?: string;
  /** {@link InstanceCall.receivedAt} */
  readonly receivedAt?: number;
}

const ID_BYTES = 16;

/**
 * Creates a consumer instance. The first of a group gives it its home; a member of the group it becomes with its first poll. Refusals: instance-exists;
 * INVALID_GROUP_ID, INVALID_REQUEST for ids. Errors: KafkaError COORDINATOR_NOT_AVAILABLE, or THROTTLING_QUOTA_EXCEEDED.
 */
export async function createInstance(
  broker: Broker,
  { receivedAt, ...request }: CreateInstance,
): Promise<InstanceResult<ConsumerInstance>> {
  const { groupId } = request;
  const instanceId = request.instanceId ?? `rest-consumer-${newMemberId(broker.random.bytes(ID_BYTES))}`;
  const refusal = groupIdRefusal(groupId) ?? nameRefusal(instanceId);
  if (refusal !== undefined) return { ok: false, refusal };
  const store = await instanceStoreOf(broker, groupId, true);
  const revision = newRevision(broker);
  const instance: ConsumerInstance = {
    ...request,
    instanceId,
    memberId: newMemberId(broker.random.bytes(ID_BYTES)),
    revisions: [revision],
    sequence: arrivalOf(broker, receivedAt),
    expiresAt: expiryAt(broker.clock.now()),
    consumes: { kind: "nothing" },
    memberEpoch: 0,
    heartbeatAt: 0,
    positions: [],
  };
  const put = (before: string | undefined) =>
    whileAvailable(
      groupId,
      untilKnown(broker, "creating the consumer instance", () => store.putInstance(instance, before)),
    );
  const created = await put(undefined);
  if (created.kind === "put") return ok(instance);
  const { found } = created;
  if (found?.revisions.includes(revision)) return ok(instance);
  // One that has expired, and that the store has not removed yet, is in nobody's way.
  if (found !== undefined && found.expiresAt > broker.clock.now()) return alreadyExists(instance);
  const replaced = await put(found?.revisions[0]);
  if (replaced.kind === "put" || replaced.found?.revisions.includes(revision)) return ok(instance);
  return alreadyExists(instance);
}

function nameRefusal(instanceId: string) {
  if (instanceId !== "." && instanceId !== "..") return idsRefusal({ "the instance's name": instanceId });
  // Clients resolve these before they send a path, encoded or not (WHATWG URL, 4.5): no call would reach it.
  return refuse("INVALID_REQUEST", `"${instanceId}" cannot be part of a path`, "give it another name, or none");
}
