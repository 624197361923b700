import type { Group } from "../../group/group.ts";
import { deleteGroup as decide, endOfGroup } from "../../group/group-deletion.ts";
import { groupIdRefusal } from "../../group/member-id.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { untilKnown } from "../until-known.ts";
import { carryOut } from "./carry-out.ts";
import { type Coordinator, coordinatorOf, whileAvailable } from "./coordinate.ts";

const ITEMS_AT_ONCE = 500;
const MAX_ROUNDS = 1_000;
const TIMEOUT_MS = 10_000;

/**
 * DeleteGroups, of one: the group and all of its offsets. Refusals: INVALID_GROUP_ID, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP. Errors: a store's; the group may be
 * at its end all the same, and then the sweep goes on with it.
 */
export async function deleteGroup(broker: Broker, groupId: string): Promise<Result<void>> {
  const refusal = groupIdRefusal(groupId);
  if (refusal !== undefined) return { ok: false, refusal };
  const coordinator = await coordinatorOf(broker, groupId, false);
  return whileAvailable(groupId, deleteAt(coordinator, groupId));
}

/** The same of a group whose coordinator is known. */
export async function deleteAt(coordinator: Coordinator, groupId: string): Promise<Result<void>> {
  const dead = await carryOut(coordinator, groupId, undefined, (view, context) => decide(view, groupId, context));
  if (!dead.ok) return dead;
  await removeDeadGroup(coordinator, dead.value);
  return ok(undefined);
}

/** Removes what is left of a group that is dead. Again on one that is gone, or of another one of its name, it does nothing. */
export async function removeDeadGroup(coordinator: Coordinator, group: Group): Promise<void> {
  const { groupStore, clock } = coordinator;
  const { groupId } = group;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const remove = () => groupStore.deletePartitions(group, ITEMS_AT_ONCE);
    const deleted = await untilKnown(coordinator, "deleting offsets", remove, TIMEOUT_MS);
    if (deleted === undefined) return;
    if (deleted < ITEMS_AT_ONCE) break;
  }
  // False: somebody else has ended it in between.
  await withTimeout(clock, TIMEOUT_MS, "ending the group", groupStore.write(groupId, endOfGroup(group)));
}
