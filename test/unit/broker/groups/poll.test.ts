import { describe, expect, it } from "vitest";
import type { Broker } from "../../../../shared/broker/broker.ts";
import { type Poll, poll } from "../../../../shared/broker/groups/poll.ts";
import { sequenceOf } from "../../../../shared/broker/groups/take-turn.ts";
import { memoryBroker, produce, topicOf } from "../../../fixtures/broker.ts";

const POLL = {
  groupId: "g",
  topics: ["orders"],
  rebalanceTimeoutMs: 60_000,
  clientId: "c",
  clientHost: "h",
  commits: true,
  autoOffsetReset: "earliest" as const,
  maxBytes: 1 << 20,
  maxWaitMs: 0,
};

/** A client that remembers its last answer, and sends what it has to send. */
class Client {
  #next: Pick<Poll, "memberId" | "memberEpoch" | "positions">;

  constructor(memberId: string) {
    this.#next = { memberId, memberEpoch: 0, positions: [] };
  }

  /** What its next poll says. */
  get words(): Poll {
    return { ...POLL, ...this.#next };
  }

  /** `epoch 2: orders 0 1`, and what it was handed out is done with by its next poll. */
  async polls(broker: Broker, receivedAt: number): Promise<string> {
    const polled = await poll(broker, { ...this.words, receivedAt });
    if (!polled.ok) return polled.refusal.code;
    const { memberId, memberEpoch, positions, found } = polled.value;
    const endOf = (partition: number) => {
      const fetched = found.find(({ position }) => position.partition === partition)?.fetched;
      return fetched?.ok ? { offset: fetched.value.nextOffset } : {};
    };
    this.#next = { memberId, memberEpoch, positions: positions.map((each) => ({ ...each, ...endOf(each.partition) })) };
    return `epoch ${memberEpoch}: ${positions
      .map(({ partition }) => partition)
      .sort()
      .join(" ")}`;
  }
}

describe("a poll", () => {
  it("gives nothing up for a client that has been handed out more since, and may be busy with it", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "orders", 2);
    const [a, b] = [new Client("a"), new Client("b")];
    expect(await a.polls(broker, 100)).toBe("epoch 1: 0 1");
    // a gives this one up, and sends the same words again; those are heard first.
    const givenUp = { ...a.words, receivedAt: 200 };
    await produce(broker, "orders", [{ partition: 0 }, { partition: 1 }]);
    expect(await a.polls(broker, 300)).toBe("epoch 1: 0 1");
    expect(await b.polls(broker, 400)).toBe("epoch 2: ");
    await poll(broker, givenUp);
    expect(await b.polls(broker, 500)).toBe("epoch 2: ");
    // What it had been told a did not hear. It is told so again; then its next poll says that it gave one up.
    expect(await a.polls(broker, 600)).toMatch(/^epoch 1: [01]$/);
    expect(await b.polls(broker, 700)).toBe("epoch 2: ");
    expect(await a.polls(broker, 800)).toMatch(/^epoch 2: [01]$/);
    expect(await b.polls(broker, 900)).toMatch(/^epoch 2: [01]$/);
  });
});

describe("the order of a member's polls", () => {
  it("is that of their arrival, and that of its answers where clocks say otherwise", () => {
    expect(sequenceOf({ sequence: 3 })).toBe(3);
    expect(sequenceOf({})).toBeUndefined();
    // The same words, sent twice.
    expect(sequenceOf({ sequence: 3, receivedAt: 1_000 })).toBe(1_000);
    expect(sequenceOf({ sequence: 3, receivedAt: 2_000 })).toBe(2_000);
    // What follows the second one's answer, taken in by a clock that is behind.
    expect(sequenceOf({ sequence: 2_001, receivedAt: 1_990 })).toBe(2_001);
    expect(sequenceOf({ receivedAt: 1_000 })).toBe(1_000);
  });
});
