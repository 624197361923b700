import { consumerGroupHeartbeat as decide } from "../../group/consumer-group-heartbeat.ts";
import {
  type ConsumerGroupHeartbeat,
  type ConsumerGroupHeartbeatAnswer,
  JOIN_EPOCH,
} from "../../group/consumer-heartbeat.ts";
import type { Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { coordinate } from "./coordinate.ts";

/**
 * ConsumerGroupHeartbeat (KIP-848): joins (memberEpoch 0), stays in, leaves (-1, -2). One read and one small write if nothing changes.
 * `memberId` is never empty: a face makes one up for whoever has none (newMemberId of shared/group/member-id.ts), once for a request.
 * Refusals and errors: those of the decision (shared/group/consumer-group-heartbeat.ts), and of {@link coordinate}.
 */
export function consumerGroupHeartbeat(
  broker: Broker,
  request: ConsumerGroupHeartbeat,
): Promise<Result<ConsumerGroupHeartbeatAnswer>> {
  const { groupId, memberId } = request;
  const begins = request.memberEpoch === JOIN_EPOCH;
  return coordinate(broker, { groupId, memberId, begins }, (view, context) => decide(view, request, context));
}
