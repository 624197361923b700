import type { Decision, GroupContext, GroupView } from "../../group/decision.ts";
import { DEFAULT_GROUP_CONFIG } from "../../group/group-config.ts";
import { lookupRefusal } from "../../group/member-id.ts";
import { KafkaError } from "../../kafka/kafka-error.ts";
import type { Result } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { carryOut, type GroupParts } from "./carry-out.ts";
import { homeOf } from "./group-home.ts";
import { subscribableTopics } from "./subscribable-topics.ts";

/** What acts for a group's coordinator: the group table of its home region, whatever region this process runs in. */
export interface Coordinator extends GroupParts {
  /** The broker, which is a region, that the group has its home in. */
  readonly brokerId: number;
}

/**
 * The coordinator of a group. `begins`: a group that nobody has touched yet gets its home here. The id is a valid one. Errors: KafkaError
 * COORDINATOR_NOT_AVAILABLE where the metadata do not answer.
 */
export async function coordinatorOf(broker: Broker, groupId: string, begins: boolean): Promise<Coordinator> {
  const brokerId = await whileAvailable(groupId, homeOf(broker, groupId, begins));
  return coordinatorAt(broker, brokerId);
}

/** Whatever groups have their home in a region. */
export function coordinatorAt(broker: Broker, brokerId: number): Coordinator {
  const { replicas } = broker;
  const groupStore = replicas === undefined ? broker.groupStore : replicas.get(brokerId)?.groupStore;
  if (groupStore === undefined) throw new Error("this process was given no group store");
  const { clock, random, groupConfig = DEFAULT_GROUP_CONFIG } = broker;
  const topics = (names: readonly string[], all: boolean) => subscribableTopics(broker, names, all);
  return { brokerId, groupStore, clock, random, groupConfig, topics };
}

/**
 * Carries a request to a group's coordinator out. Refusals: INVALID_GROUP_ID, INVALID_REQUEST for a memberId that is too long, those of the decision, COORDINATOR_NOT_AVAILABLE if others keep
 * winning. Errors: KafkaError COORDINATOR_NOT_AVAILABLE, or THROTTLING_QUOTA_EXCEEDED.
 */
export async function coordinate<Answer>(
  broker: Broker,
  { groupId, memberId, begins = false }: { groupId: string; memberId?: string | undefined; begins?: boolean },
  decide: (view: GroupView, context: GroupContext) => Decision<Answer>,
): Promise<Result<Answer>> {
  const refusal = lookupRefusal(groupId, memberId);
  if (refusal !== undefined) return { ok: false, refusal };
  const coordinator = await coordinatorOf(broker, groupId, begins);
  return whileAvailable(groupId, carryOut(coordinator, groupId, memberId, decide));
}

/** What a store failed with, as a client of the group is told of it: the coordinator is not there, try again. */
export async function whileAvailable<T>(groupId: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof KafkaError) || !error.retriable || error.code === "THROTTLING_QUOTA_EXCEEDED") throw error;
    const options = { hint: "try again in a moment", outcome: error.outcome, cause: error };
    throw new KafkaError("COORDINATOR_NOT_AVAILABLE", `the coordinator of group "${groupId}" does not answer`, options);
  }
}
