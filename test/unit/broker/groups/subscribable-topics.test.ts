import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { createPartitions } from "../../../../shared/broker/create-partitions.ts";
import { subscribableTopics } from "../../../../shared/broker/groups/subscribable-topics.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { memoryParts, topicOf } from "../../../fixtures/broker.ts";

describe("the topics of subscriptions", () => {
  it("are what they are now, in every process: one that remembers them would take what others have seen back", async () => {
    const parts = memoryParts();
    const [one, other] = [openBroker(parts), openBroker(parts)];
    await topicOf(one, "orders", 3);
    const topics = async (broker: Broker) => [
      ...(await subscribableTopics(broker, ["orders", "none"], false)).values(),
    ];
    expect(await topics(one)).toMatchObject([{ name: "orders", partitionCount: 3 }]);
    await createPartitions(other, { topic: "orders", totalCount: 5 });
    expect(await topics(one)).toMatchObject([{ name: "orders", partitionCount: 5 }]);
  });
});
