import { MAX_ID_LENGTH } from "../../group/group-config.ts";
import { groupIdRefusal, idsRefusal } from "../../group/member-id.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { coordinatorOf, whileAvailable } from "../groups/coordinate.ts";
import { at } from "../replica-stores.ts";
import { untilKnown } from "../until-known.ts";
import { type ConsumerInstance, expiryAt, type InstanceCall, type InstanceName, isExtensionDue } from "./instance.ts";
import { isOvertaken } from "./instance-order.ts";
import { type InstanceResult, notFound, overtaken } from "./instance-refusal.ts";
import type { InstanceStore } from "./instance-store.ts";

/** The store that has a group's instances: that of the group's home region, where its members' items are. `begins`: as of coordinatorOf. */
export async function instanceStoreOf(broker: Broker, groupId: string, begins = false): Promise<InstanceStore> {
  const { brokerId } = await coordinatorOf(broker, groupId, begins);
  const { instanceStore } = at(broker, brokerId);
  if (instanceStore === undefined) throw new Error("this process was given no instance store");
  return instanceStore;
}

/**
 * The instance, which counts as used by that. Refusals: instance-not-found, for one that has expired too. Errors: KafkaError
 * COORDINATOR_NOT_AVAILABLE, or THROTTLING_QUOTA_EXCEEDED.
 */
export async function findInstance(broker: Broker, name: InstanceName): Promise<InstanceResult<ConsumerInstance>> {
  const { groupId, instanceId } = name;
  // An id that none can have.
  if ((groupIdRefusal(groupId) ?? idsRefusal({ instanceId })) !== undefined) {
    return notFound({ groupId: groupId.slice(0, MAX_ID_LENGTH), instanceId: instanceId.slice(0, MAX_ID_LENGTH) });
  }
  const store = await instanceStoreOf(broker, groupId);
  return whileAvailable(groupId, readInUse(broker, store, name));
}

/** The same for a call that changes it. Refusals: contended, too: one that arrived later has done so. */
export async function findForChange(
  broker: Broker,
  call: InstanceCall & { readonly receivedAt: number },
): Promise<InstanceResult<ConsumerInstance>> {
  const found = await findInstance(broker, call);
  return found.ok && isOvertaken(found.value, call.receivedAt) ? overtaken(call) : found;
}

async function readInUse(broker: Broker, store: InstanceStore, name: InstanceName) {
  const instance = await untilKnown(broker, "reading the consumer instance", () => store.readInstance(name));
  const now = broker.clock.now();
  if (instance === undefined || instance.expiresAt <= now) return notFound(name);
  if (isExtensionDue(instance, now)) {
    const extension = { memberId: instance.memberId, expiresAt: expiryAt(now) };
    await untilKnown(broker, "keeping the consumer instance", () => store.extendInstance(name, extension));
  }
  return ok(instance);
}
