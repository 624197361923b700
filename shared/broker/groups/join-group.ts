import { awaitJoin, joinGroup as decide } from "../../group/classic-join.ts";
import type { JoinGroupAnswer, JoinGroup as JoinGroupRequest } from "../../group/classic-requests.ts";
import { newMemberId } from "../../group/member-id.ts";
import type { Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { askUntil, type Patience } from "./ask-until.ts";
import { coordinate } from "./coordinate.ts";

/** `newMemberId` unless told: clientId and a random id, as Kafka's. */
export type JoinGroup = Omit<JoinGroupRequest, "newMemberId"> & { readonly newMemberId?: string } & Patience;

export type JoinedGroup = Exclude<JoinGroupAnswer, { readonly kind: "waiting" }>;

/**
 * JoinGroup of the classic protocol. Nobody remembers who waits for whom: the group table is looked at until the others have joined, or their time
 * is over, which whoever looks finds out. Refusals: the decision's (shared/group/classic-join.ts), and REBALANCE_IN_PROGRESS if `maxWaitMs` ends
 * before: it joins again under its id. Errors: {@link coordinate}'s.
 */
export async function joinGroup(broker: Broker, request: JoinGroup): Promise<Result<JoinedGroup>> {
  const { groupId, clientId, instanceId } = request;
  const newId = request.newMemberId ?? `${clientId.slice(0, 200)}-${newMemberId(broker.random.bytes(16))}`;
  const whole: JoinGroupRequest = { ...request, newMemberId: newId };
  const memberId = request.memberId === "" ? newId : request.memberId;
  const first = await coordinate(broker, { groupId, memberId, begins: true }, (view, context) =>
    decide(view, whole, context),
  );
  return askUntil(broker, request, first, (answer) => {
    const asked = {
      groupId,
      memberId: answer.memberId,
      awaitedGeneration: answer.awaitedGeneration,
      ...(instanceId === undefined ? {} : { instanceId }),
    };
    return coordinate(broker, { groupId, memberId: answer.memberId }, (view, context) =>
      awaitJoin(view, asked, context),
    );
  });
}
