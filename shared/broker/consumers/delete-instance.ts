import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { whileAvailable } from "../groups/coordinate.ts";
import { untilKnown } from "../until-known.ts";
import { findForChange, instanceStoreOf } from "./find-instance.ts";
import type { InstanceCall } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import type { InstanceResult } from "./instance-refusal.ts";
import { commitHandedOut } from "./instance-turn.ts";
import { unsubscribe } from "./subscribe-instance.ts";

/**
 * Ends an instance: what it handed out is committed if it commits by itself, it leaves its group, and is gone. Only then: a deletion that was cut short, or
 * whose answer was lost, finds it when it is done again, and leaves no member behind. Whoever does it at the same time has done it too. Refusals:
 * instance-not-found, contended; COORDINATOR_NOT_AVAILABLE.
 */
export async function deleteInstance(broker: Broker, call: InstanceCall): Promise<InstanceResult<void>> {
  const { groupId } = call;
  const receivedAt = arrivalOf(broker, call.receivedAt);
  const found = await findForChange(broker, { ...call, receivedAt });
  if (!found.ok) return found;
  if (found.value.consumes.kind === "partitions") await commitHandedOut(broker, found.value, receivedAt);
  else {
    const left = await unsubscribe(broker, { ...call, receivedAt });
    if (!left.ok && left.refusal.reason !== "instance-not-found") return left;
  }
  const store = await instanceStoreOf(broker, groupId);
  const remove = () => store.deleteInstance(call, found.value.memberId);
  await whileAvailable(groupId, untilKnown(broker, "deleting the consumer instance", remove));
  return ok(undefined);
}
