import { LEAVE_EPOCH } from "../../group/consumer-heartbeat.ts";
import { ok, type Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { consumerGroupHeartbeat } from "./consumer-group-heartbeat.ts";

export interface LeaveConsumerGroup {
  readonly groupId: string;
  readonly memberId: string;
  readonly instanceId?: string;
  /** As of a heartbeat: one that was heard after a later request of the member does not put it out. */
  readonly sequence?: number;
}

/**
 * A member of the consumer protocol leaves for good. Its partitions are free at once: the others have them with their next heartbeats.
 * Refusals: UNKNOWN_MEMBER_ID (it is gone already), GROUP_ID_NOT_FOUND, STALE_MEMBER_EPOCH (overtaken), INVALID_REQUEST.
 */
export async function leaveConsumerGroup(broker: Broker, request: LeaveConsumerGroup): Promise<Result<void>> {
  const left = await consumerGroupHeartbeat(broker, {
    ...request,
    memberEpoch: LEAVE_EPOCH,
    clientId: "",
    clientHost: "",
  });
  return left.ok ? ok(undefined) : left;
}
