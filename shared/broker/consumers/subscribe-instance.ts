import { subscriptionRefusal, topicResolver } from "../../group/subscription.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { subscribableTopics } from "../groups/subscribable-topics.ts";
import { changeInstance } from "./change-instance.ts";
import { findInstance } from "./find-instance.ts";
import type { Consumed, ConsumerInstance, InstanceCall, InstanceName, InstanceState } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import { type InstanceResult, mutuallyExclusive } from "./instance-refusal.ts";
import { commitHandedOut, leaveGroup } from "./instance-turn.ts";

export type Subscription = Extract<Consumed, { kind: "topics" | "pattern" }>;

const NOTHING: InstanceState = { consumes: { kind: "nothing" }, memberEpoch: 0, heartbeatAt: 0, positions: [] };

/**
 * Subscribes, in place of an earlier subscription of the same kind; to no topics is to unsubscribe. Topics need not exist. The instance joins its
 * group, or tells it of the change, with its next poll, as Kafka's consumers do. Refusals: illegal-state; INVALID_REQUEST,
 * INVALID_TOPIC_EXCEPTION, INVALID_REGULAR_EXPRESSION.
 */
export async function subscribe(
  broker: Broker,
  call: InstanceCall,
  subscription: Subscription,
): Promise<InstanceResult<void>> {
  const isPattern = subscription.kind === "pattern";
  if (!isPattern && subscription.topics.length === 0) return unsubscribe(broker, call);
  return changeInstance(broker, call, async ({ consumes }): Promise<InstanceResult<Partial<InstanceState>>> => {
    if (consumes.kind !== "nothing" && consumes.kind !== subscription.kind) return mutuallyExclusive();
    const refusal = isPattern
      ? subscriptionRefusal(undefined, subscription.pattern)
      : subscriptionRefusal(subscription.topics, undefined);
    if (refusal !== undefined) return { ok: false, refusal };
    const consumed: Subscription = isPattern
      ? subscription
      : { kind: "topics", topics: [...new Set(subscription.topics)] };
    return ok({ consumes: consumed, heartbeatAt: 0 });
  });
}

/** Ends a subscription, or an assignment by hand: the instance leaves its group, what was handed out committed before if it commits by itself. */
export async function unsubscribe(broker: Broker, call: InstanceCall): Promise<InstanceResult<void>> {
  const receivedAt = arrivalOf(broker, call.receivedAt);
  let before: ConsumerInstance | undefined;
  const ended = await changeInstance(broker, { ...call, receivedAt }, async (instance) => {
    before = instance;
    await commitHandedOut(broker, instance, receivedAt);
    return ok(NOTHING);
  });
  return ended.ok && before !== undefined ? leaveGroup(broker, before, receivedAt) : ended;
}

/** The topics that an instance is subscribed to; of a pattern, those that match it now. */
export async function subscriptionOf(broker: Broker, name: InstanceName): Promise<InstanceResult<readonly string[]>> {
  const found = await findInstance(broker, name);
  return found.ok ? ok(await topicsOf(broker, found.value)) : found;
}

async function topicsOf(broker: Broker, { consumes }: ConsumerInstance): Promise<readonly string[]> {
  if (consumes.kind === "topics") return consumes.topics;
  if (consumes.kind !== "pattern") return [];
  const topics = await subscribableTopics(broker, [], true);
  const matching = topicResolver(topics)({ subscribedTopicNames: [], subscribedTopicRegex: consumes.pattern });
  return matching.map(({ name }) => name);
}
