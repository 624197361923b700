import type { SyncGroupAnswer, SyncGroup as SyncGroupRequest } from "../../group/classic-requests.ts";
import { syncGroup as decide } from "../../group/classic-sync.ts";
import type { Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { askUntil, type Patience } from "./ask-until.ts";
import { coordinate } from "./coordinate.ts";

export type SyncGroup = SyncGroupRequest & Patience;

export type SyncedGroup = Exclude<SyncGroupAnswer, { readonly kind: "waiting" }>;

/**
 * SyncGroup of the classic protocol: the leader's assignments are kept, the others wait for theirs. Refusals: the decision's
 * (shared/group/classic-sync.ts), and REBALANCE_IN_PROGRESS if `maxWaitMs` ends before. Errors: {@link coordinate}'s.
 */
export async function syncGroup(broker: Broker, request: SyncGroup): Promise<Result<SyncedGroup>> {
  const { groupId, memberId } = request;
  const ask = () => coordinate(broker, { groupId, memberId }, (view, context) => decide(view, request, context));
  return askUntil(broker, request, await ask(), ask);
}
