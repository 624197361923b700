import type { Broker } from "../broker.ts";
import { whileAvailable } from "../groups/coordinate.ts";
import { untilKnown } from "../until-known.ts";
import { findForChange, instanceStoreOf } from "./find-instance.ts";
import type { InstanceCall } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import type { InstanceResult } from "./instance-refusal.ts";
import { commitHandedOut, leaveGroup } from "./instance-turn.ts";

/**
 * Ends an instance: what it handed out is committed if it commits by itself, it is gone, and leaves its group. Whoever does it at the same time has
 * done it too. Refusals: instance-not-found, contended; COORDINATOR_NOT_AVAILABLE.
 */
export async function deleteInstance(broker: Broker, call: InstanceCall): Promise<InstanceResult<void>> {
  const { groupId } = call;
  const receivedAt = arrivalOf(broker, call.receivedAt);
  const found = await findForChange(broker, { ...call, receivedAt });
  if (!found.ok) return found;
  await commitHandedOut(broker, found.value, receivedAt);
  const store = await instanceStoreOf(broker, groupId);
  const remove = () => store.deleteInstance(call, found.value.memberId);
  await whileAvailable(groupId, untilKnown(broker, "deleting the consumer instance", remove));
  return leaveGroup(broker, found.value, receivedAt);
}
