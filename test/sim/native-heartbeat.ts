import type { ConsumerGroupHeartbeat } from "../../shared/group/consumer-heartbeat.ts";
import type { NativeConsumer } from "./native-consumer.ts";

/** What a consumer says in a heartbeat. `isFull`: everything, as it joins, or does not know what became of the last one. */
export function heartbeatOf(
  { groupId, memberId, memberEpoch, instanceId, subscription, owned }: NativeConsumer,
  isFull: boolean,
  saysOwned: boolean,
): Omit<ConsumerGroupHeartbeat, "clientId"> {
  const full = {
    rebalanceTimeoutMs: 10_000,
    subscribedTopicNames: subscription.topics ?? [],
    subscribedTopicRegex: subscription.pattern ?? "",
  };
  return {
    groupId,
    memberId,
    memberEpoch,
    clientHost: "sim",
    ...(instanceId === undefined ? {} : { instanceId }),
    ...(isFull ? full : {}),
    ...(saysOwned ? { topicPartitions: owned } : {}),
  };
}
