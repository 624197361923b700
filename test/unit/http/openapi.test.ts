import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import type { Broker } from "../../../shared/broker/broker.ts";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
import { commitOffsets } from "../../../shared/broker/groups/commit-offsets.ts";
import { consumerGroupHeartbeat } from "../../../shared/broker/groups/consumer-group-heartbeat.ts";
import { openApiDocument } from "../../../shared/http/openapi.ts";
import { ROUTES } from "../../../shared/http/route-table.ts";
import { memoryBroker, topicOf } from "../../fixtures/broker.ts";
import { answer, ORIGIN, send } from "../../fixtures/http.ts";

/** The schema, which then takes no field that it does not describe. */
function strictly(schema: z.ZodMiniType): z.ZodMiniType {
  if (schema instanceof z.ZodMiniArray) return z.array(strictly(schema.def.element as z.ZodMiniType));
  if (!(schema instanceof z.ZodMiniObject)) return schema;
  const fields = Object.entries(schema.shape).map(([name, field]) => [name, strictly(field as z.ZodMiniType)]);
  return z.strictObject(Object.fromEntries(fields));
}

/** A group with a member that has committed: every route about groups has something to tell. */
async function groupOf(broker: Broker): Promise<void> {
  const member = { groupId: "g", memberId: "m", clientId: "c", clientHost: "/" };
  const joining = { ...member, memberEpoch: 0, rebalanceTimeoutMs: 1_000, subscribedTopicNames: ["t"] };
  const joined = await consumerGroupHeartbeat(broker, joining);
  if (!joined.ok) throw new Error(joined.refusal.message);
  const { memberEpoch } = joined.value;
  await commitOffsets(broker, { ...member, memberEpoch, offsets: [{ topic: "t", partition: 1, offset: 0 }] });
}

interface Operation {
  readonly operationId: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: object }[];
  readonly requestBody: {
    readonly required?: boolean;
    readonly content: Record<string, { readonly schema: { readonly properties: object } }>;
  };
  readonly responses: Readonly<Record<string, object>>;
}

describe("the OpenAPI document", () => {
  it("lists just the routes there are, each with a unique id", () => {
    const { paths } = openApiDocument() as { paths: Record<string, Record<string, { operationId: string }>> };
    const listed = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(listed.toSorted()).toEqual(ROUTES.map(({ method, path }) => `${method} ${path}`).toSorted());
    expect(new Set(ROUTES.map(({ operationId }) => operationId)).size).toBe(ROUTES.length);
  });

  it("is served, and describes parameters by the schemas that check them", async () => {
    const { body } = await answer(send(memoryBroker(), "/openapi.json"));
    expect(body).toMatchObject({ openapi: "3.1.0", servers: [{ url: ORIGIN }] });
    const fetchRecords =
      body.paths["/v3/clusters/{cluster_id}/topics/{topic_name}/partitions/{partition_id}/records"].get;
    expect(fetchRecords.parameters.map(({ name }: { name: string }) => name)).toEqual(
      expect.arrayContaining(["cluster_id", "offset", "timestamp", "max_bytes", "min_bytes", "timeout_ms"]),
    );
  });

  it("describes what a produce takes: its body, and the headers of an idempotent one", () => {
    const { paths } = openApiDocument() as unknown as { paths: Record<string, Record<string, Operation>> };
    const { parameters, requestBody } = paths["/v3/clusters/{cluster_id}/topics/{topic_name}/records"]!["post"]!;
    expect(parameters.filter((parameter) => parameter.in === "header").map(({ name }) => name)).toEqual([
      "producer-id",
      "producer-epoch",
      "producer-sequence",
    ]);
    expect(Object.keys(requestBody.content["application/json"]!.schema.properties)).toEqual(
      expect.arrayContaining(["partition_id", "key", "value", "headers", "timestamp"]),
    );
  });

  it("says what a request is refused for: a body that must be there, numbers and their bounds", () => {
    const { paths } = openApiDocument() as unknown as { paths: Record<string, Record<string, Operation>> };
    const operations = new Map(
      Object.values(paths)
        .flatMap((methods) => Object.values(methods))
        .map((operation) => [operation.operationId, operation]),
    );
    const isRequired = (operationId: string) => operations.get(operationId)!.requestBody.required;
    expect(["produceRecord", "createTopic", "v2ProduceToTopic", "pollRecords"].map(isRequired)).toEqual(
      Array(4).fill(true),
    );
    // Confluent's clients send none to commit all that was handed out.
    expect(["v2CreateConsumer", "v2CommitOffsets"].map(isRequired)).toEqual([undefined, undefined]);
    const schemaOf = (operationId: string, parameter: string) =>
      operations.get(operationId)!.parameters.find(({ name }) => name === parameter)!.schema;
    expect(schemaOf("fetchRecords", "partition_id")).toEqual({ type: "integer", minimum: 0 });
    expect(schemaOf("fetchRecords", "max_bytes")).toEqual({ type: "integer", minimum: 1, maximum: 3 * 1024 * 1024 });
    expect(schemaOf("fetchRecords", "timestamp")).toMatchObject({ type: "integer", minimum: 0 });
    expect(schemaOf("produceRecord", "producer-epoch")).toEqual({ type: "integer", minimum: 0, maximum: 32_767 });
  });

  it("names the statuses of errors that a route has beyond the usual ones", () => {
    const { paths } = openApiDocument() as unknown as { paths: Record<string, Record<string, Operation>> };
    const statuses = (path: string, method: string) => Object.keys(paths[path]![method]!.responses).map(Number);
    const group = "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}";
    expect(statuses(group, "delete")).toEqual(expect.arrayContaining([204, 400, 404, 409, 503]));
    expect(statuses(`${group}/poll`, "post")).toEqual(expect.arrayContaining([409, 416]));
    expect(statuses("/v3/clusters/{cluster_id}/topics/{topic_name}/records", "post")).toContain(409);
    expect(statuses("/topics", "get")).toEqual(expect.arrayContaining([500, 502, 503, 504]));
  });

  it("refers only to what it defines, and declares each parameter of a path once", () => {
    const document = openApiDocument() as {
      paths: Record<string, Record<string, { parameters: { name: string; in: string }[]; responses: object }>>;
      components: Record<string, object>;
    };
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/components\/(\w+)\/(\w+)"/g);
    for (const [, kind, name] of references) expect(Object.keys(document.components[kind!]!)).toContain(name);
    for (const [path, methods] of Object.entries(document.paths)) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      for (const { parameters, responses } of Object.values(methods)) {
        expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(inPath);
        const names = parameters.map((parameter) => `${parameter.in} ${parameter.name}`);
        expect(new Set(names).size).toBe(names.length);
        expect(Object.values(responses).every((response) => "$ref" in response || "description" in response)).toBe(
          true,
        );
      }
    }
  });

  it("describes answers as they are: each route's schema takes what it answers", async () => {
    const broker = memoryBroker();
    await topicOf(broker, "t", 2);
    await groupOf(broker);
    const { clusterId } = await describeCluster(broker);
    const values: Record<string, string> = {
      cluster_id: clusterId,
      topic_name: "t",
      partition_id: "1",
      broker_id: "1",
      leader_epoch: "0",
      consumer_group_id: "g",
      consumer_id: "m",
      group_name: "rest",
      instance: "i",
      name: "retention.ms",
    };
    await send(broker, "/consumers/rest", { body: { name: "i" } });
    await send(broker, "/consumers/rest/instances/i/subscription", { body: { topics: ["t"] } });
    for (const { method, path, response, operationId } of ROUTES.filter(({ method: wanted }) => wanted === "GET")) {
      const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!);
      // Those for a GET's body may be in the query.
      const query = operationId === "v2GetCommittedOffsets" ? "?partitions=t:0" : "";
      const answered = await answer(send(broker, `${target}${query}`));
      const parsed =
        response.schema === undefined ? { success: true } : strictly(response.schema()).safeParse(answered.body);
      expect([method, operationId, answered.status, parsed.success]).toEqual([method, operationId, 200, true]);
    }
  });

  it("gives every route that only reads to the function that only reads, but for what is about groups", () => {
    for (const { method, lambda, path } of ROUTES.filter((route) => route.lambda !== "coordinator")) {
      expect([method, path, lambda]).toEqual([method, path, method === "GET" ? "fetch" : "produce"]);
    }
    const groups = ROUTES.filter(({ lambda }) => lambda === "coordinator");
    expect(
      groups.filter(({ path }) => !/^\/v3\/clusters\/\{cluster_id\}\/consumer-groups|^\/consumers\//.test(path)),
    ).toEqual([]);
  });
});
