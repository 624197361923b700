import { describe, expect, it } from "vitest";
import { EVERYTHING, EVERYTHING_EVERYWHERE, synthesized, synthesizedRegions, type Template } from "./synthesized.ts";

/** Properties by which AWS tells one resource of an account from another. */
const NAMES = [
  "TableName",
  "BucketName",
  "FunctionName",
  "LogGroupName",
  "RoleName",
  "AlarmName",
  "DashboardName",
  "TopicName",
  "DomainName",
  "AuthorizerName",
  "Name",
];

function namesIn(templates: Template[]): string[] {
  return templates.flatMap(({ Resources }) =>
    Object.values(Resources).flatMap(({ Type, Properties }) =>
      NAMES.map((key) => Properties?.[key])
        // A reference is to another resource of the stack.
        .filter((value) => typeof value === "string" || value?.["Fn::Join"] !== undefined)
        .map((value) => `${Type} ${JSON.stringify(value)}`),
    ),
  );
}

describe("two deployments in one account", () => {
  it("share no name of any resource", () => {
    const { iam: _, ...access } = EVERYTHING.access;
    const deployed = ["orders", "billing"].map((name) => {
      const { data, service } = synthesized({ ...EVERYTHING, name, access: { ...access, iam: {} } });
      return namesIn([data, service]);
    });
    expect(deployed[0]!.length).toBeGreaterThan(20);
    expect(deployed[0]!.filter((name) => deployed[1]!.includes(name))).toEqual([]);
  });

  it("share none over regions either, where names are AWS's own: buckets, dashboards, and host names by their region", () => {
    const { oidc: _, ...access } = EVERYTHING_EVERYWHERE.access;
    const settings = { ...EVERYTHING_EVERYWHERE, access };
    const global = [...synthesizedRegions(settings).values()].flatMap(({ data, service }) =>
      [data, service].flatMap(({ Resources }) =>
        Object.values(Resources).flatMap(({ Properties }) =>
          ["BucketName", "DashboardName", "DomainName", "RoleName"].flatMap((key) =>
            Properties?.[key]?.Ref === undefined && Properties?.[key] !== undefined
              ? [JSON.stringify(Properties[key])]
              : [],
          ),
        ),
      ),
    );
    expect(global.length).toBe(9);
    expect(new Set(global).size).toBe(global.length);
  });

  it("leave API Gateway's logging role of the account standing when one of them goes", () => {
    const { service } = synthesized({ accessLogs: true });
    const account = Object.values(service.Resources).find(({ Type }) => Type === "AWS::ApiGateway::Account");
    const roleId = account!.Properties.CloudWatchRoleArn["Fn::GetAtt"][0];
    expect([account!.DeletionPolicy, service.Resources[roleId]!.DeletionPolicy]).toEqual(["Retain", "Retain"]);
  });

  it("have names that AWS takes, at the longest name and region there is", () => {
    const name = `a${"b".repeat(23)}`;
    const { data } = synthesized({ name, regions: ["ap-southeast-1"] });
    const bucket = Object.values(data.Resources).find(({ Type }) => Type === "AWS::S3::Bucket")!;
    const parts = bucket.Properties.BucketName["Fn::Join"][1] as (string | object)[];
    const length = parts.map((part) => (typeof part === "string" ? part.length : "123456789012".length));
    expect(length.reduce((sum, one) => sum + one, 0)).toBeLessThanOrEqual(63);
  });

  it("carry their name and the settings' tags, to be told apart on the bill", () => {
    const { data } = synthesized(EVERYTHING);
    const bucket = Object.values(data.Resources).find(({ Type }) => Type === "AWS::S3::Bucket")!;
    expect(bucket.Properties.Tags).toEqual(
      expect.arrayContaining([
        { Key: "millrace:name", Value: "orders" },
        { Key: "team", Value: "data" },
      ]),
    );
  });
});
