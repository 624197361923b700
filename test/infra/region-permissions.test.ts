import { describe, expect, it } from "vitest";
import { EVERYTHING_EVERYWHERE, REGIONS, synthesizedRegions, type Template } from "./synthesized.ts";
import { filled, statementsOf } from "./template-parts.ts";

const services = () =>
  [...synthesizedRegions({ regions: REGIONS })].map(([region, { service }]) => [region, service] as const);

/** What a function may do, as `action resource`, resources cut to what tells them apart. */
function grants(service: Template, lambda: string): string[] {
  return statementsOf(service, lambda).flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) =>
      [Resource].flat().map((resource) => {
        const text = filled(resource).replaceAll(/\{"Ref":"AWS::Partition"\}/g, "aws");
        return `${action} ${text}`;
      }),
    ),
  );
}

const resources = (service: Template, lambda: string, action: string) =>
  grants(service, lambda).filter((grant) => grant.startsWith(`${action} `));

describe("permissions over regions", () => {
  it("reach the logs and objects of every region by their names, and the metadata of the own", () => {
    for (const [region, service] of services()) {
      for (const lambda of ["produce", "replicator", "lease", "maintenance"]) {
        const written = resources(service, lambda, "dynamodb:PutItem");
        const inRegions = (table: string) =>
          REGIONS.filter((name) =>
            written.some((text) => text.includes(`:${name}:`) && text.includes(`table/millrace-${table}`)),
          );
        expect([lambda, inRegions("log"), inRegions("metadata")]).toEqual([lambda, REGIONS, [region]]);
      }
      for (const lambda of ["produce", "replicator"]) {
        expect(resources(service, lambda, "s3:PutObject")).toHaveLength(3);
        expect(resources(service, lambda, "s3:GetObject")).toHaveLength(3);
      }
      expect(resources(service, "maintenance", "s3:DeleteObject")).toHaveLength(3);
      const read = resources(service, "fetch", "dynamodb:Query");
      expect(read).toHaveLength(4);
    }
  });

  it("reach the groups of every region, whose home is where they began, read all logs, and set the own region's clock", () => {
    for (const [region, service] of services()) {
      const at = (action: string, resource: string) =>
        REGIONS.filter((name) =>
          resources(service, "coordinator", action).some(
            (text) => text.includes(`:${name}:`) && text.includes(resource),
          ),
        );
      for (const action of ["PutItem", "UpdateItem", "DeleteItem", "ConditionCheckItem", "BatchGetItem", "Query"]) {
        expect([action, at(`dynamodb:${action}`, "table/millrace-group")]).toEqual([action, REGIONS]);
      }
      expect(at("dynamodb:Query", "table/millrace-log")).toEqual(REGIONS);
      expect(at("dynamodb:PutItem", "table/millrace-log")).toEqual([]);
      expect(at("dynamodb:PutItem", "table/millrace-metadata")).toEqual([region]);
      expect(at("events:EnableRule", "rule/millrace-sweep-minute")).toEqual([region]);
      expect(resources(service, "coordinator", "events:DisableRule")).toHaveLength(2);
      expect(resources(service, "coordinator", "s3:GetObject")).toHaveLength(3);
      expect(resources(service, "coordinator", "s3:PutObject")).toEqual([]);
    }
  });

  it("let maintenance keep logs and segments in every region, and begin by a clock that it need not set; produce begins it where a log is led", () => {
    for (const [, service] of services()) {
      for (const action of ["GetObject", "PutObject", "DeleteObject", "AbortMultipartUpload"]) {
        expect(resources(service, "maintenance", `s3:${action}`)).toHaveLength(3);
      }
      expect(grants(service, "maintenance").filter((grant) => /^(events|lambda):|Stream|Shard/.test(grant))).toEqual([
        expect.stringMatching(/^logs:CreateLogStream /),
      ]);
      const invoked = resources(service, "produce", "lambda:InvokeFunction");
      expect(
        REGIONS.filter((name) => invoked.some((text) => text.includes(`:${name}:`) && text.includes("-maintenance"))),
      ).toEqual(REGIONS);
      expect(invoked).toHaveLength(4);
    }
  });

  it("let nobody but the replicator read the log's stream, and the lease function touch no object", () => {
    for (const [, service] of services()) {
      const readers = ["produce", "fetch", "coordinator", "maintenance", "replicator", "lease"].filter(
        (lambda) => resources(service, lambda, "dynamodb:GetRecords").length > 0,
      );
      // The coordinator reads that of the groups.
      expect(readers).toEqual(["coordinator", "replicator"]);
      expect(resources(service, "coordinator", "dynamodb:GetRecords")).not.toEqual(
        resources(service, "replicator", "dynamodb:GetRecords"),
      );
      expect(grants(service, "lease").filter((grant) => grant.startsWith("s3:"))).toEqual([]);
    }
  });

  it("hold no wildcard but the objects of the deployment's buckets", () => {
    for (const [, { service }] of synthesizedRegions(EVERYTHING_EVERYWHERE)) {
      const roles = ["produce", "fetch", "coordinator", "maintenance", "replicator", "lease", "authorizer"];
      const wild = roles.flatMap((lambda) => grants(service, lambda)).filter((grant) => grant.includes("*"));
      expect(wild.length).toBeGreaterThan(0);
      for (const grant of wild)
        expect(grant).toMatch(/^s3:(\w+Object|AbortMultipartUpload) .*:s3:::orders-segments-.*\/\*/);
    }
  });
});
