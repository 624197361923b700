import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { whileAvailable } from "../groups/coordinate.ts";
import { untilKnown } from "../until-known.ts";
import { findInstance, instanceStoreOf } from "./find-instance.ts";
import type { InstanceName } from "./instance.ts";
import type { InstanceResult } from "./instance-refusal.ts";
import { leaveGroup } from "./instance-turn.ts";

/**
 * Ends an instance: what it handed out is committed if it commits by itself, it leaves its group, and is gone. Whoever does it at the same time has
 * done it too. Refusals: instance-not-found; COORDINATOR_NOT_AVAILABLE.
 */
export async function deleteInstance(broker: Broker, name: InstanceName): Promise<InstanceResult<void>> {
  const found = await findInstance(broker, name);
  if (!found.ok) return found;
  const left = await leaveGroup(broker, found.value);
  if (!left.ok) return left;
  const store = await instanceStoreOf(broker, name.groupId);
  const remove = () => store.deleteInstance(name, found.value.memberId);
  await whileAvailable(name.groupId, untilKnown(broker, "deleting the consumer instance", remove));
  return ok(undefined);
}
