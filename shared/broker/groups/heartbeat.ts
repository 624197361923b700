import { classicHeartbeat } from "../../group/classic-heartbeat.ts";
import type { ClassicHeartbeat, ClassicHeartbeatAnswer } from "../../group/classic-requests.ts";
import type { Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { coordinate } from "./coordinate.ts";

/** Heartbeat of the classic protocol. Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION. Errors: {@link coordinate}'s. */
export function heartbeat(broker: Broker, request: ClassicHeartbeat): Promise<Result<ClassicHeartbeatAnswer>> {
  const { groupId, memberId } = request;
  return coordinate(broker, { groupId, memberId }, (view, context) => classicHeartbeat(view, request, context));
}
