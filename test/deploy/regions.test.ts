import { randomBytes } from "node:crypto";
import { DeleteItemCommand, DynamoDBClient, GetItemCommand, QueryCommand } from "@aws-sdk/client-dynamodb";
import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { beforeAll, describe, expect, it } from "vitest";
import { apiKey, functionConfiguration, invoke, rest, restartFunction } from "./control-plane.ts";
import { type Deployment, ENDPOINT, regionalDeployments } from "./deployment.ts";
import { type Face, openFace } from "./face.ts";
import { type Answer, ROOT } from "./request.ts";

const deployments = regionalDeployments();
const regions = deployments.map(({ region }) => region);
const [first] = deployments as [Deployment, Deployment, Deployment];
let faces: Face[];
beforeAll(async () => {
  faces = [];
  for (const deployment of deployments) {
    faces.push(await openFace(deployment, "ApiKey", { "x-api-key": await apiKey(deployment, "default") }));
  }
});

const dynamoDb = (region: string) => new DynamoDBClient({ endpoint: ENDPOINT.href, region, credentials: ROOT });

/** The items of a log as a region's own table has them. */
async function itemsIn(region: string, tp: string) {
  const { Items = [] } = await dynamoDb(region).send(
    new QueryCommand({
      TableName: `${first.name}-log`,
      KeyConditionExpression: "tp = :tp",
      ExpressionAttributeValues: { ":tp": { S: tp } },
      ConsistentRead: true,
    }),
  );
  return Items.map((item) => ({ baseOffset: Number(item["baseOffset"]!.N), appendId: item["appendId"]?.S }));
}

async function objectsIn({ name, region }: Deployment, prefix: string): Promise<string[]> {
  const { Environment } = await functionConfiguration(`${name}-produce`, region);
  const Bucket = Environment.Variables["MILLRACE_SEGMENTS"]!.replace("s3://", "").replace("{region}", region);
  const client = new S3Client({ endpoint: ENDPOINT.href, forcePathStyle: true, region, credentials: ROOT });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
  return Contents.map(({ Key }) => Key!);
}

async function createTopic(face: Face, name: string): Promise<string> {
  const body = { topic_name: name, partitions_count: 1, replication_factor: 3 };
  const made = await face.v3("/topics", { body });
  expect([made.status, made.body]).toMatchObject([201, { replication_factor: 3 }]);
  return made.body.topic_id as string;
}

const produce = (face: Face, topic: string, data: string, acks: string) =>
  face.v3(`/topics/${topic}/records?acks=${acks}`, { body: { value: { type: "STRING", data } } });

const valuesOf = ({ body }: { body: { data: { value: { data: unknown } }[] } }) =>
  body.data.map(({ value }) => value.data);

/** As a client does: a process that appended to the old leader just now finds out by its next append, and says so once. */
async function patiently(send: () => Promise<Answer>): Promise<void> {
  const answers: Answer[] = [];
  do answers.push(await send());
  while (answers.at(-1)!.body.error_code !== 200 && answers.length < 5);
  const refused = answers.slice(0, -1).map(({ body }) => body.kafka_error);
  expect([refused, answers.at(-1)!.body.error_code]).toEqual([refused.map(() => "NOT_LEADER_OR_FOLLOWER"), 200]);
}

/** Of partition 0, as one of the regions tells it. */
async function partition(face: Face, topic: string) {
  const { body } = await face.v3(`/topics/${topic}/partitions/0/replicas`);
  const replicas = body.data as { broker_id: number; is_leader: boolean; is_in_sync: boolean }[];
  return {
    leader: replicas.find(({ is_leader }) => is_leader)?.broker_id,
    inSync: replicas.filter(({ is_in_sync }) => is_in_sync).map(({ broker_id }) => broker_id),
  };
}

describe("a deployment in three regions", () => {
  let removedId: string;
  it("deletes a topic for every region at once", async () => {
    removedId = await createTopic(faces[0]!, "removed");
    expect((await produce(faces[1]!, "removed", "x", "all")).status).toBe(200);
    expect((await faces[2]!.v3("/topics/removed", { method: "DELETE" })).status).toBe(204);
    for (const { v3 } of faces) expect((await v3("/topics/removed/partitions/0/records?offset=0")).status).toBe(404);
  });

  it("is one cluster, with a broker for each region, whichever is asked", async () => {
    expect(new Set(faces.map(({ cluster }) => cluster)).size).toBe(1);
    for (const { v3 } of faces) {
      const { body } = await v3("/brokers");
      expect(body.data.map(({ broker_id, rack }: { broker_id: number; rack: string }) => [broker_id, rack])).toEqual(
        regions.map((region, index) => [index + 1, region]),
      );
    }
  });

  it("has with acks=all each record in every region's own table, whichever took it, at the same offset", async () => {
    const topicId = await createTopic(faces[1]!, "everywhere");
    for (const [index, face] of faces.entries()) {
      const { status, body } = await produce(face, "everywhere", `by ${index}`, "all");
      expect([status, body]).toMatchObject([200, { error_code: 200, partition_id: 0 }]);
    }
    const tables = await Promise.all(regions.map((region) => itemsIn(region, `${topicId}#0`)));
    expect(tables[0]!.length).toBeGreaterThanOrEqual(3);
    expect(tables[1]).toEqual(tables[0]);
    expect(tables[2]).toEqual(tables[0]);
    for (const { v3 } of faces) {
      const read = await v3("/topics/everywhere/partitions/0/records?offset=0&min_bytes=200&timeout_ms=5000");
      expect(valuesOf(read)).toEqual(["by 0", "by 1", "by 2"]);
    }
  });

  it("fills what a follower lacks, from another region", { timeout: 60_000 }, async () => {
    const topicId = await createTopic(faces[0]!, "filled");
    for (const data of ["one", "two"]) expect((await produce(faces[0]!, "filled", data, "all")).status).toBe(200);
    const { leader } = await partition(faces[0]!, "filled");
    const [own, follower] = [regions[leader! - 1]!, regions[leader! % 3]!];
    const items = await itemsIn(own, `${topicId}#0`);
    const lost = items.at(-1)!.baseOffset;
    const { Attributes } = await dynamoDb(follower).send(
      new DeleteItemCommand({
        TableName: `${first.name}-log`,
        Key: { tp: { S: `${topicId}#0` }, baseOffset: { N: String(lost) } },
        ReturnValues: "ALL_OLD",
      }),
    );
    // It was there. A bell that rings just now may have brought it back already.
    expect(Attributes?.["appendId"]?.S).toBe(items.at(-1)!.appendId);
    // A replicator that begins anew has verified nothing yet.
    await restartFunction(`${first.name}-replicator`, { MILLRACE_TEST_RESTART: "set" }, own);
    expect(await invoke(`${first.name}-replicator`, {}, own)).toMatchObject({ left: 0 });
    await expect.poll(() => itemsIn(follower, `${topicId}#0`), { timeout: 30_000 }).toEqual(items);
  });

  it("rings for what is put into a log, in its region", { timeout: 200_000 }, async () => {
    for (const region of regions) {
      const path = "/2015-03-31/event-source-mappings/";
      const mapping = async () =>
        (await rest("lambda", "GET", path, undefined, region)).body.EventSourceMappings.find(
          ({ FunctionArn }: { FunctionArn: string }) => FunctionArn.endsWith(`:${first.name}-replicator`),
        );
      // MiniStack hands streams' records on one mapping after the other, and a deleted topic's wait a minute.
      await expect.poll(async () => (await mapping()).LastProcessingResult, { timeout: 150_000 }).toMatch(/^OK/);
    }
  });

  it("carries a large batch's object into every region's bucket", async () => {
    const topicId = await createTopic(faces[0]!, "large");
    const large = randomBytes(200_000).toString("hex");
    expect((await produce(faces[2]!, "large", large, "all")).body).toMatchObject({ error_code: 200 });
    // The first items of a log, which nobody kept yet, have no TTL: the upkeep that is rung for copies them at once, into objects of its own.
    const batchesIn = async (deployment: Deployment) =>
      (await objectsIn(deployment, `${topicId}/`)).filter((key) => key.endsWith(".batches"));
    const keys = await Promise.all(deployments.map(batchesIn));
    expect(keys[0]).toHaveLength(1);
    expect(keys).toEqual([keys[0], keys[0], keys[0]]);
    const read = await faces[1]!.v3("/topics/large/partitions/0/records?offset=0&max_bytes=3145728&timeout_ms=5000");
    expect(valuesOf(read)).toEqual([large]);
  });

  it("copies a log that fills a segment into every region's bucket, by its leader's maintenance, whichever region filled it", {
    timeout: 120_000,
  }, async () => {
    const configs = [{ name: "segment.bytes", value: String(1024 * 1024) }];
    const body = { topic_name: "tiered", partitions_count: 1, replication_factor: 3, configs };
    const made = await faces[0]!.v3("/topics", { body });
    expect([made.status, made.text]).toEqual([201, expect.any(String)]);
    const { leader } = await partition(faces[0]!, "tiered");
    const elsewhere = faces[leader! % 3]!;
    const value = "0123456789".repeat(3_000);
    for (let record = 0; record < 40; record++) {
      expect((await produce(elsewhere, "tiered", value, "all")).body).toMatchObject({
        error_code: 200,
        offset: record + 1,
      });
    }
    const segmentsIn = async (deployment: Deployment) =>
      (await objectsIn(deployment, `${made.body.topic_id}/0/segments/`)).filter((key) => key.endsWith(".log"));
    for (const deployment of deployments) {
      await expect.poll(() => segmentsIn(deployment), { timeout: 60_000, interval: 500 }).not.toEqual([]);
    }
  });

  it("brings records of acks=1 to the followers behind the answer", async () => {
    const topicId = await createTopic(faces[0]!, "followed");
    for (const data of ["one", "two"]) expect((await produce(faces[0]!, "followed", data, "1")).status).toBe(200);
    const inLeader = await itemsIn(
      regions[((await partition(faces[0]!, "followed")).leader ?? 1) - 1]!,
      `${topicId}#0`,
    );
    expect(inLeader.length).toBeGreaterThanOrEqual(2);
    for (const region of regions) {
      await expect
        .poll(() => itemsIn(region, `${topicId}#0`), { timeout: 100_000, interval: 500 })
        .toEqual(expect.arrayContaining(inLeader));
    }
  });

  it("moves a leader to another region by request, and appends there from every region", async () => {
    await createTopic(faces[0]!, "moved");
    await produce(faces[0]!, "moved", "before", "all");
    const { leader } = await partition(faces[0]!, "moved");
    const next = (leader! % 3) + 1;
    const elections = { partitions: [{ topic_name: "moved", partition_id: 0, leader: next }] };
    const moved = await faces[2]!.v3("/leader-elections", { body: elections });
    expect([moved.status, moved.text]).toEqual([200, expect.any(String)]);
    for (const [index, face] of faces.entries()) {
      await expect.poll(() => partition(face, "moved"), { timeout: 30_000 }).toMatchObject({ leader: next });
      await patiently(() => produce(face, "moved", `after ${index}`, "all"));
    }
    const read = await faces[0]!.v3("/topics/moved/partitions/0/records?offset=0&min_bytes=400&timeout_ms=5000");
    expect([...new Set(valuesOf(read))]).toEqual(["before", "after 0", "after 1", "after 2"]);
  });

  it("has a group's home where it began, and serves it from every region", async () => {
    await createTopic(faces[0]!, "grouped");
    expect((await produce(faces[0]!, "grouped", "x", "all")).status).toBe(200);
    const begin = { topics: ["grouped"], auto_offset_reset: "earliest", timeout_ms: 5_000 };
    const began = await faces[1]!.v3("/consumer-groups/wandering/poll", { body: begin });
    expect([began.status, began.text]).toEqual([200, expect.any(String)]);
    expect(valuesOf(began)).toEqual(["x"]);
    const went = await faces[2]!.v3("/consumer-groups/wandering/poll", { body: { ...began.body.next, timeout_ms: 0 } });
    expect([went.status, went.text]).toEqual([200, expect.any(String)]);
    for (const { v3 } of faces) {
      const { body } = await v3("/consumer-groups/wandering/offsets");
      expect(body.data).toMatchObject([
        { topic_name: "grouped", partition_id: 0, offset: began.body.data[0].offset + 1 },
      ]);
    }
    const homes = await Promise.all(
      regions.map(async (region) => {
        const Key = { groupKey: { S: "g#wandering" }, itemKey: { S: "group" } };
        const get = new GetItemCommand({ TableName: `${first.name}-group`, Key, ConsistentRead: true });
        return (await dynamoDb(region).send(get)).Item !== undefined;
      }),
    );
    expect(homes).toEqual([false, true, false]);
  });

  it("keeps a lease of each region fresh", { timeout: 180_000 }, async () => {
    for (let broker = 1; broker <= 3; broker++) {
      const get = new GetItemCommand({
        TableName: `${first.name}-metadata`,
        Key: { kind: { S: "lease" }, name: { S: String(broker) } },
        ConsistentRead: true,
      });
      // The schedule's first minute may not be over.
      await expect
        .poll(async () => Number((await dynamoDb(first.region).send(get)).Item?.["expiresAt"]?.N ?? 0) > Date.now(), {
          timeout: 150_000,
          interval: 1_000,
        })
        .toBe(true);
    }
  });

  it("removes what a deleted topic left behind in every region", { timeout: 180_000 }, async () => {
    for (const region of regions) expect(await itemsIn(region, `${removedId}#0`)).not.toEqual([]);
    // Its minute may not be over.
    await expect
      .poll(() => invoke(`${first.name}-maintenance`, {}, regions[2]!), { timeout: 120_000, interval: 2_000 })
      .toMatchObject({ topicsRemoved: 1 });
    for (const region of regions) expect(await itemsIn(region, `${removedId}#0`)).toEqual([]);
  });
});
