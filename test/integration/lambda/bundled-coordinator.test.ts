import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ENVIRONMENT } from "../../../lambdas/coordinator/environment.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { DynamoDbMetadataStore } from "../../../shared/storage/dynamodb/dynamodb-metadata-store.ts";
import { memoryParts, topicOf } from "../../fixtures/broker.ts";
import { bundledFunction, lambdaVariables, startBundle } from "../../fixtures/bundled-function.ts";
import { startTables, TABLES } from "../../fixtures/dynamodb.ts";
import { startEventBridge } from "../../fixtures/eventbridge-service.ts";
import { CREDENTIALS } from "../../fixtures/signature.ts";

const RULES = { minute: "prod-sweep-minute", hour: "prod-sweep-hour" };
const states = new Map<string, "ENABLED" | "DISABLED">();

let tables: Awaited<ReturnType<typeof startTables>>;
let events: Awaited<ReturnType<typeof startEventBridge>>;
let bundle: Awaited<ReturnType<typeof bundledFunction>>;
let coordinator: Awaited<ReturnType<typeof startBundle>>;
beforeAll(async () => {
  [tables, events, bundle] = await Promise.all([
    startTables(),
    startEventBridge(states),
    bundledFunction("coordinator"),
  ]);
  for (const name of Object.values(RULES)) states.set(name, "ENABLED");
  coordinator = await startBundle(bundle.folder, {
    ...lambdaVariables("us-east-1", "prod-coordinator"),
    AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: events.url.href,
    [ENVIRONMENT.logTable]: TABLES.log,
    [ENVIRONMENT.metadataTable]: TABLES.metadata,
    [ENVIRONMENT.groupTable]: TABLES.group,
    [ENVIRONMENT.segments]: "memory:",
    [ENVIRONMENT.sweepRules]: `${RULES.minute},${RULES.hour}`,
  });
});
afterAll(async () => {
  coordinator?.stop();
  bundle?.remove();
  await Promise.all([tables?.stop(), events?.stop()]);
});

/** As EventBridge sends it. */
const scheduled = (rule: string) => ({
  version: "0",
  source: "aws.events",
  "detail-type": "Scheduled Event",
  resources: [`arn:aws:events:us-east-1:123456789012:rule/${rule}`],
  detail: {},
});

/** As Lambda hands a table's stream over, of keys. */
const listed = (eventName: string, groupId: string) => ({
  Records: [
    {
      eventName,
      eventSource: "aws:dynamodb",
      dynamodb: {
        Keys: { groupKey: { S: "groups" }, itemKey: { S: groupId } },
        SequenceNumber: "100000000000000000001",
      },
    },
  ],
});

async function call(method: string, path: string, body?: object, requestTimeEpoch = Date.now()) {
  const headers = { Host: "abc.execute-api.us-east-1.amazonaws.com", "Content-Type": "application/json" };
  const result = (await coordinator.invoke({
    httpMethod: method,
    path,
    headers,
    requestContext: { requestId: "r", stage: "prod", requestTimeEpoch },
    body: body === undefined ? null : Buffer.from(JSON.stringify(body)).toString("base64"),
    isBase64Encoded: body !== undefined,
  })) as { statusCode: number; body: string; isBase64Encoded: boolean };
  const text = Buffer.from(result.body, result.isBase64Encoded ? "base64" : "utf8").toString();
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into, and the test fails where a field is missing
  return { status: result.statusCode, body: (text === "" ? undefined : JSON.parse(text)) as any };
}

describe("the bundle of the coordinator", () => {
  it("sweeps when a rule says so, and turns both off where there is no group", async () => {
    expect(await coordinator.invoke(scheduled(RULES.minute))).toMatchObject({ groups: 0, failed: 0 });
    expect([...states.values()]).toEqual(["DISABLED", "DISABLED"]);
  });

  it("answers requests, and starts the clock when the stream tells of a group that began", async () => {
    const cluster = await new DynamoDbMetadataStore(tables.client, TABLES.metadata).clusterId("a-cluster");
    const path = `/v3/clusters/${cluster}/consumer-groups/g`;
    const joining = {
      member_epoch: 0,
      subscribed_topic_names: ["none"],
      rebalance_timeout_ms: 30_000,
      topic_partitions: [],
    };
    const joined = await call("POST", `${path}/heartbeat`, joining);
    expect([joined.status, joined.body.member_epoch]).toEqual([200, 1]);
    expect(await coordinator.invoke(listed("INSERT", "g"))).toEqual({ batchItemFailures: [] });
    expect([...states.values()]).toEqual(["ENABLED", "DISABLED"]);

    const before = events.requests();
    expect(await coordinator.invoke(scheduled(RULES.minute))).toMatchObject({ groups: 1, members: 1 });
    expect(events.requests()).toBe(before);

    const { member_id } = joined.body;
    expect((await call("POST", `${path}/heartbeat`, { member_id, member_epoch: -1 })).status).toBe(200);
    expect((await call("DELETE", path)).status).toBe(204);
    expect(await coordinator.invoke(listed("REMOVE", "g"))).toEqual({ batchItemFailures: [] });
    expect([...states.values()]).toEqual(["DISABLED", "DISABLED"]);
  });

  it("lets no event undo what API Gateway took in after it", async () => {
    const metadata = new DynamoDbMetadataStore(tables.client, TABLES.metadata);
    const broker = openBroker({ ...memoryParts(), metadataStore: metadata });
    await topicOf(broker, "orders");
    const cluster = await metadata.clusterId("a-cluster");
    const path = `/v3/clusters/${cluster}/consumer-groups/late`;
    const commit = (offset: number, at: number) =>
      call("POST", `${path}/offsets`, { offsets: [{ topic_name: "orders", partition_id: 0, offset }] }, at);
    const committed = async () => (await call("GET", `${path}/offsets`)).body.data[0].offset;
    const now = Date.now();
    expect((await commit(20, now - 1_000)).status).toBe(200);
    expect(await commit(10, now - 20_000)).toMatchObject({ status: 503, body: { error_code: 50003 } });
    expect(await committed()).toBe(20);
    expect((await commit(10, now)).status).toBe(200);
    expect(await committed()).toBe(10);
    // An event that somebody has kept is what it was made for: a request of now.
    expect((await commit(30, now - 3_600_000)).status).toBe(200);

    const member = { member_epoch: 0, subscribed_topic_names: ["orders"], rebalance_timeout_ms: 30_000 };
    const { member_id } = (await call("POST", `${path}/heartbeat`, member, now)).body;
    const leave = (at: number) => call("POST", `${path}/heartbeat`, { member_id, member_epoch: -1 }, at);
    expect(await leave(now - 5_000)).toMatchObject({ status: 409, body: { kafka_error: "STALE_MEMBER_EPOCH" } });
    expect((await leave(now + 1)).status).toBe(200);
  });

  it("fails on a record whose clock it cannot set, so that Lambda brings it again", async () => {
    for (let refusals = 0; refusals < 3; refusals++) events.refuseNext(500, "InternalException");
    await expect(coordinator.invoke(listed("INSERT", "g"))).rejects.toThrow(/Rule of prod-sweep/);
    expect(coordinator.output()).not.toMatch(new RegExp(`${CREDENTIALS.secretAccessKey}"|AWS4-HMAC`));
  });
});
