import { describe, expect, it } from "vitest";
import type { GroupStore } from "../../../shared/group/group-store.ts";
import type { GroupWrite } from "../../../shared/group/group-write.ts";
import { KafkaError } from "../../../shared/kafka/kafka-error.ts";
import { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";
import { ClassicConsumer, Consumer, Coordinator } from "./coordinator.ts";

const ORDERS = { subscribedTopicNames: ["orders"] };

function setUp() {
  const coordinator = new Coordinator();
  coordinator.topic("orders", 6);
  const member = (memberId: string, request: Consumer["request"]) => new Consumer(coordinator, memberId, request);
  return { coordinator, member };
}

describe("static members", () => {
  const instance = (instanceId: string) => ({ ...ORDERS, instanceId });

  it("keep their partitions when they leave for a while and come back under another member id", async () => {
    const { coordinator, member } = setUp();
    const [a, b] = [member("a", instance("one")), member("b", instance("two"))];
    for (let round = 0; round < 3; round++) for (const each of [a, b]) await each.says();
    expect(await a.leaves(-2)).toBe("epoch -2: as before");
    coordinator.wait(40_000);
    expect(await b.says()).toBe("epoch 2: as before");
    const again = member("c", instance("one"));
    expect(await again.says()).toBe("epoch 2: orders 0,1,2");
    expect(await b.says()).toBe("epoch 2: as before");
    expect(await a.says({ memberEpoch: 2 })).toBe("FENCED_INSTANCE_ID");
  });

  it("are not let in twice at a time", async () => {
    const { coordinator, member } = setUp();
    await member("a", instance("one")).says();
    expect(await member("b", instance("one")).says()).toBe("UNRELEASED_INSTANCE_ID");
    // Its session over, the instance is free.
    coordinator.wait(45_000);
    expect(await member("b", instance("one")).says()).toBe("epoch 2: orders 0,1,2,3,4,5");
  });

  it("lose their partitions when they do not come back in time, and when they leave for good", async () => {
    const { coordinator, member } = setUp();
    const [a, b, c] = [member("a", instance("one")), member("b", instance("two")), member("c", ORDERS)];
    for (let round = 0; round < 4; round++) for (const each of [a, b, c]) await each.says();
    expect(c.owned["ORDERS"]).toHaveLength(2);
    await a.leaves(-2);
    await b.leaves(-1);
    await c.says();
    coordinator.wait(30_000);
    await c.says();
    expect(c.owned["ORDERS"]).toHaveLength(3);
    coordinator.wait(15_000);
    await c.says();
    expect(c.owned).toEqual({ ORDERS: [0, 1, 2, 3, 4, 5] });
    expect(await member("d", instance("two")).says()).toMatch(/^epoch \d+: nothing$/);
  });
});

const inAMoment = () => new Promise<void>((resolve) => void setImmediate(resolve));

/** A store whose first write of a member is applied only after the next read of a group: its answer was lost, and it slept. */
function lateStore(): GroupStore {
  const memory = new MemoryGroupStore();
  let late: (() => Promise<boolean>) | undefined;
  let isOver = false;
  return new Proxy<GroupStore>(memory, {
    get: (target, name) => {
      const operation = Reflect.get(target, name) as unknown;
      if (typeof operation !== "function") return operation;
      return async (...args: unknown[]) => {
        if (name === "write" && !isOver && (args[1] as GroupWrite[]).some(({ kind }) => kind === "put-member")) {
          isOver = true;
          late = () => memory.write(args[0] as string, args[1] as GroupWrite[]);
          throw new KafkaError("KAFKA_STORAGE_ERROR", "the answer was lost", { outcome: "unknown" });
        }
        const answer: unknown = await operation.apply(target, args);
        if (name === "readGroup") await late?.();
        if (name === "readGroup") late = undefined;
        return answer;
      };
    },
  });
}

describe("a static member whose joining is applied late, between two reads of the group", () => {
  it("is in it once, and is not taken for another one", async () => {
    const coordinator = new Coordinator({}, lateStore(), inAMoment);
    coordinator.topic("orders", 2);
    const consumer = new Consumer(coordinator, "a", { ...ORDERS, instanceId: "one" });
    expect(await consumer.says()).toBe("epoch 1: orders 0,1");
  });

  it("is likewise in a classic group", async () => {
    const coordinator = new Coordinator({}, lateStore(), inAMoment);
    const consumer = new ClassicConsumer(coordinator, "a", { instanceId: "one" });
    expect(await consumer.joins()).toBe("waiting");
    coordinator.wait(3_000);
    expect(await consumer.awaits()).toBe("generation 1 leader a: a");
  });
});
