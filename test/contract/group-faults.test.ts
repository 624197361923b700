import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { GroupWrite } from "../../shared/group/group-write.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import { DynamoDbGroupStore } from "../../shared/storage/dynamodb/dynamodb-group-store.ts";
import { localClient, startTables, TABLES } from "../fixtures/dynamodb.ts";
import { Consumer, Coordinator } from "../unit/group/coordinator.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { acquire, commitOf, consumerGroup, consumerMember, session } from "./group-items.ts";

let tables: Awaited<ReturnType<typeof startTables>>;
let proxy: FaultProxy;
/** Through the faults, and around them. */
let store: DynamoDbGroupStore;
let direct: DynamoDbGroupStore;
let groupId: string;

beforeAll(async () => {
  tables = await startTables();
  proxy = new FaultProxy(tables.endpoint);
  store = new DynamoDbGroupStore(localClient(await proxy.listen()), TABLES.group);
  direct = new DynamoDbGroupStore(tables.client, TABLES.group);
});
beforeEach(() => {
  proxy.meet();
  groupId = `g-${crypto.randomUUID()}`;
});
afterAll(async () => {
  proxy.close();
  await tables.stop();
});

const join = (): GroupWrite[] => [
  { kind: "put-member", member: consumerMember() },
  { kind: "begin-session", session: session("a", 70) },
  acquire(0, "a"),
];

describe("a write of several items", () => {
  it("is one transaction, and a write of one item an ordinary one", async () => {
    await store.write(groupId, join());
    await store.write(groupId, [{ kind: "extend-session", session: session("a", 80) }]);
    await store.write(groupId, [{ kind: "release", partition: { topicId: "T", partition: 0 }, memberId: "a" }]);
    await store.write(groupId, [{ kind: "delete-session", memberId: "a" }]);
    expect(proxy.requests).toEqual(["TransactWriteItems", "PutItem", "UpdateItem", "DeleteItem"]);
  });

  it("whose answer is lost may have been applied, after one request", async () => {
    proxy.meet(() => "answer lost");
    await expect(store.write(groupId, join())).rejects.toMatchObject({
      code: "KAFKA_STORAGE_ERROR",
      outcome: "unknown",
    });
    expect(proxy.requests).toEqual(["TransactWriteItems"]);
    expect(await direct.readMembers(groupId)).toHaveLength(1);
    proxy.meet();
    expect(await store.write(groupId, join())).toBe(false);
  });

  it.each([
    ["ConditionalCheckFailed", false],
    ["TransactionConflict", false],
  ])("that is cancelled for %s has lost", async (code, isApplied) => {
    proxy.meet(() => cancelled("None", code, "None"));
    expect(await store.write(groupId, join())).toBe(isApplied);
  });

  it("that is cancelled for its throughput is throttled", async () => {
    proxy.meet(() => cancelled("None", "ThrottlingError", "TransactionConflict"));
    const failure = { code: "THROTTLING_QUOTA_EXCEEDED", retriable: true };
    await expect(store.write(groupId, join())).rejects.toMatchObject(failure);
  });

  it("that is cancelled for anything else is refused for good", async () => {
    proxy.meet(() => cancelled("None", "ItemCollectionSizeLimitExceeded", "None"));
    await expect(store.write(groupId, join())).rejects.toMatchObject({
      code: "UNKNOWN_SERVER_ERROR",
      retriable: false,
    });
  });

  it("of one item that meets a transaction on its way has lost", async () => {
    proxy.meet(() => ({ error: "TransactionConflictException" }));
    expect(await store.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId }) }])).toBe(false);
  });
});

describe("reads of a group", () => {
  it("are repeated when they fail in passing, and when the store leaves keys over", async () => {
    await direct.write(groupId, [{ kind: "put-group", group: consumerGroup({ groupId }) }, ...join()]);
    proxy.meet((_, count) => (count === 1 ? { error: "InternalServerError", status: 500 } : undefined));
    expect(await store.readMembers(groupId)).toHaveLength(1);
    proxy.meet((operation, count) => {
      if (operation !== "BatchGetItem" || count > 1) return undefined;
      const Keys = [{ groupKey: { S: `g#${groupId}` }, itemKey: { S: "member#a" } }];
      const change = (answer: Record<string, unknown>) => {
        const found = (answer["Responses"] as Record<string, { itemKey: { S: string } }[]>)[TABLES.group]!;
        const rest = found.filter(({ itemKey }) => itemKey.S === "group");
        return {
          Responses: { [TABLES.group]: rest },
          UnprocessedKeys: { [TABLES.group]: { Keys, ConsistentRead: true } },
        };
      };
      return { change };
    });
    const { group, member } = await store.readGroup(groupId, "a");
    expect([group?.groupId, member?.memberId]).toEqual([groupId, "a"]);
    expect(proxy.requests).toEqual(["BatchGetItem", "BatchGetItem"]);
  });
});

describe("a commit", () => {
  it("whose answer is lost is committed again, to the same end", async () => {
    await direct.write(groupId, [acquire(0, "a")]);
    const commits = [commitOf(0, 5, { memberId: "a", epoch: 1 })];
    proxy.meet((_, count) => (count === 1 ? "answer lost" : undefined));
    await expect(store.commitOffsets(groupId, commits)).rejects.toMatchObject({ outcome: "unknown" });
    expect(await store.commitOffsets(groupId, commits)).toEqual([{ kind: "committed" }]);
  });
});

describe("members whose coordinator loses every other answer of its store", () => {
  it("come to their assignments all the same", async () => {
    let requests = 0;
    proxy.meet((operation) =>
      /Put|Update|Delete|Transact/.test(operation) && requests++ % 2 === 0 ? "answer lost" : undefined,
    );
    const coordinator = new Coordinator({}, store, systemClock.sleep);
    coordinator.topic("orders", 4);
    const subscribed = { groupId, subscribedTopicNames: ["orders"] };
    const [a, b] = [new Consumer(coordinator, "a", subscribed), new Consumer(coordinator, "b", subscribed)];
    for (let round = 0; round < 5; round++) for (const each of [a, b]) await each.says({ groupId });
    expect([a.owned, b.owned]).toEqual([{ ORDERS: [0, 1] }, { ORDERS: [2, 3] }]);
    expect(await a.says({ groupId, memberEpoch: -1 })).toBe("epoch -1: as before");
    await b.says({ groupId });
    expect(b.owned).toEqual({ ORDERS: [0, 1, 2, 3] });
  });
});

/** A cancelled transaction, with a reason for each of its items. */
function cancelled(...codes: string[]) {
  return { error: "TransactionCanceledException", fields: { CancellationReasons: codes.map((Code) => ({ Code })) } };
}
