import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readSettings } from "../../infra/read-settings.ts";
import { SettingsError } from "../../infra/settings.ts";

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "millrace-settings-")), "settings.json");
  writeFileSync(path, text);
  return path;
}

function problems(context: Record<string, unknown>): string[] {
  try {
    readSettings(context, "eu-west-1");
  } catch (error) {
    if (error instanceof SettingsError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const streamOf = (table: string, region = "eu-west-1") =>
  `arn:aws:dynamodb:${region}:123456789012:table/${table}/stream/2026-11-24T12:00:00.000`;

describe("settings", () => {
  it("need none: a deployment that keeps its data, behind one API key, in the profile's region", () => {
    expect(readSettings({}, "ap-southeast-2")).toMatchObject({
      name: "millrace",
      regions: ["ap-southeast-2"],
      access: { apiKey: { keys: ["default"] } },
      removalPolicy: "retain",
      throttle: { ratePerSecond: 1_000, burst: 2_000 },
    });
  });

  it("are read from the command line, where everything is text", () => {
    const context = {
      regions: "us-west-2",
      recoveryDays: "35",
      accessLogs: "true",
      access: '{"iam":{}}',
      name: "orders",
    };
    expect(readSettings(context, "eu-west-1")).toMatchObject({
      regions: ["us-west-2"],
      recoveryDays: 35,
      accessLogs: true,
      access: { iam: {} },
      name: "orders",
    });
  });

  it("come from a file, and from the command line before it", () => {
    const settings = file('{"name":"orders","logRetentionDays":7,"tags":{"team":"data"}}');
    expect(readSettings({ settings, name: "billing" }, "eu-west-1")).toMatchObject({
      name: "billing",
      logRetentionDays: 7,
      tags: { team: "data" },
    });
  });

  it("leave the CDK's own context alone", () => {
    expect(
      problems({ "aws:cdk:enable-path-metadata": true, "@aws-cdk/core:x": true, "hosted-zone:account=1": {} }),
    ).toEqual([]);
  });

  it.each([
    [{ region: "us-east-1" }, "region: there is no such setting: did you mean regions?"],
    [{ settings: "/nowhere.json" }, "settings: /nowhere.json cannot be read (ENOENT)"],
    [{ name: "Orders" }, "name: must be 2 to 24 lower-case letters, digits and hyphens, beginning with a letter"],
    [{ name: "a".repeat(25) }, "name: must be 2 to 24"],
    [{ regions: "eu-wst-1" }, "regions.0: there is no region eu-wst-1: did you mean eu-west-1?"],
    [{ regions: "cn-north-1" }, "regions.0: cn-north-1 is a region of the partition aws-cn"],
    [{ regions: "us-east-1,us-west-2" }, "regions: deploying more than one region is not there yet: give one"],
    [{ access: "{}" }, "access: needs apiKey, iam or oidc: nobody could call it"],
    [{ access: "apiKey" }, `access: "apiKey" is not JSON`],
    [{ access: '{"apikey":{}}' }, "access: Unrecognized key"],
    [{ access: '{"apiKey":{"keys":["a","a"]}}' }, "access.apiKey.keys: two keys have one name"],
    [{ recoveryDays: 36 }, "recoveryDays: "],
    [{ logRetentionDays: 2 }, "logRetentionDays: must be one of 1, 3, 5"],
    [{ removalPolicy: "delete" }, "removalPolicy: "],
    [{ encryptionKeyArn: "alias/mine" }, "encryptionKeyArn: must be an ARN such as arn:aws:kms:"],
    [
      { alarmTopicArn: "arn:aws:sns:us-east-1:123456789012:ops" },
      "alarmTopicArn: is in us-east-1, the deployment is in eu-west-1",
    ],
    [
      { alarmTopicArn: "arn:aws:sns:eu-west-1:123456789012:ops", alarmEmail: "ops@example.com" },
      "alarmEmail: goes with a new topic",
    ],
    [
      { restored: { metadataTable: "m-restored" } },
      "restored.metadataStreamArn: goes with metadataTable: docs/operate/backup.md, step 3, makes the stream",
    ],
    [
      { restored: { metadataTable: "m", metadataStreamArn: streamOf("millrace-metadata") } },
      "restored.metadataStreamArn: is no stream of the table m",
    ],
    [
      { restored: { metadataStreamArn: streamOf("millrace-metadata", "us-east-1") } },
      "restored.metadataStreamArn: is in us-east-1, the deployment is in eu-west-1",
    ],
    [{ restored: { metadataStreamArn: "latest" } }, "restored.metadataStreamArn: must be an ARN such as"],
    [{ access: { oidc: { identities: [] } } }, "access.oidc.identities: must be a list of at least one identity"],
    [
      { access: { oidc: { identities: [{ issuer: "http://example.com", audiences: ["a"], subjects: ["s"] }] } } },
      "access.oidc.identities.0.issuer: must be an https URL",
    ],
    [
      {
        access: {
          iam: {
            domain: { name: "k.example.com", certificateArn: "arn:aws:acm:us-east-1:123456789012:certificate/x" },
          },
        },
      },
      "access.iam.domain.certificateArn: is in us-east-1, the deployment is in eu-west-1",
    ],
  ])("that are wrong are told, each in a line: %j", (context, line) => {
    expect(problems(context)).toEqual([expect.stringContaining(line)]);
  });

  it("that trust more identities than a function's environment holds are refused", () => {
    const identity = {
      issuer: "https://issuer.example",
      audiences: ["https://millrace.example"],
      subjects: ["s".repeat(400)],
    };
    expect(problems({ access: { oidc: { identities: Array.from({ length: 10 }, () => identity) } } })).toEqual([
      expect.stringMatching(
        /^access\.oidc\.identities: is \d+ bytes of JSON; a function's environment has room for 3500/,
      ),
    ]);
  });

  it("take the stream of a table that was restored, and of one that stayed", () => {
    for (const restored of [
      { metadataTable: "m-restored", metadataStreamArn: streamOf("m-restored") },
      { metadataStreamArn: streamOf("millrace-metadata") },
    ]) {
      expect(readSettings({ restored }, "eu-west-1").restored).toEqual(restored);
    }
  });

  it("are told all that is wrong with them at once", () => {
    expect(problems({ name: "!", recoveryDays: 0, alarmEmail: "nobody" })).toHaveLength(3);
  });

  it("in a file that is no JSON object are refused", () => {
    for (const text of ["[1]", "{", '"name"']) {
      expect(problems({ settings: file(text) })).toEqual([expect.stringContaining("is not a JSON object")]);
    }
  });
});
