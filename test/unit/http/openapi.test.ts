import { describe, expect, it } from "vitest";
import * as z from "zod/mini";
import { describeCluster } from "../../../shared/broker/describe-cluster.ts";
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

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody: { readonly content: Record<string, { readonly schema: { readonly properties: object } }> };
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
    const { clusterId } = await describeCluster(broker);
    const values: Record<string, string> = {
      cluster_id: clusterId,
      topic_name: "t",
      partition_id: "1",
      broker_id: "1",
      leader_epoch: "0",
      name: "retention.ms",
    };
    for (const { method, path, response, operationId } of ROUTES.filter(({ method: wanted }) => wanted === "GET")) {
      const target = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name]!);
      const answered = await answer(send(broker, target));
      const parsed =
        response.schema === undefined ? { success: true } : strictly(response.schema()).safeParse(answered.body);
      expect([method, operationId, answered.status, parsed.success]).toEqual([method, operationId, 200, true]);
    }
  });

  it("gives every route that only reads to the function that only reads", () => {
    for (const { method, lambda } of ROUTES)
      expect([method, lambda]).toEqual([method, method === "GET" ? "fetch" : "produce"]);
  });
});
