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

const THREE = "us-east-1,us-east-2,us-west-2";
const KEY_ID = "12345678-1234-1234-1234-123456789012";
const ACM = "arn:aws:acm:eu-west-1:123456789012:certificate/x";

/** A host name with a certificate in each of the three regions. */
const certified = (name: string) => ({
  name,
  certificateArn: Object.fromEntries(
    THREE.split(",").map((region) => [region, `arn:aws:acm:${region}:123456789012:certificate/x`]),
  ),
});

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
    [
      { regions: "us-east-1,us-west-2" },
      "witnessRegion: two regions need one more, in which the metadata have a witness: us-east-2",
    ],
    [
      { regions: "eu-west-1,eu-central-1", witnessRegion: "eu-west-1" },
      "witnessRegion: must be another one than the regions: eu-west-2 or eu-west-3",
    ],
    [{ witnessRegion: "eu-west-2" }, "witnessRegion: goes with two regions; one needs none"],
    [
      { regions: "us-east-1,us-east-2,us-west-2", witnessRegion: "us-west-2" },
      "witnessRegion: goes with two regions; three need none",
    ],
    [{ regions: "us-east-1,us-east-2,us-east-1" }, "regions: us-east-1 is named twice"],
    [
      { regions: "us-east-1,us-west-2,eu-west-1" },
      "regions: DynamoDB's strong consistency holds within us-east-1, us-east-2, us-west-2; or eu-west-1, eu-west-2, eu-west-3, eu-central-1; or ap-northeast-1",
    ],
    [
      { regions: "eu-west-1,eu-west-2", witnessRegion: "us-east-1" },
      "regions: DynamoDB's strong consistency holds within",
    ],
    [
      { regions: "eu-west-1,eu-west-2,eu-west-3,eu-central-1" },
      "regions: one, two with a witnessRegion, or three; the metadata span no more",
    ],
    [{ leaseSeconds: "4" }, "leaseSeconds: Too small"],
    [{ leaseSeconds: "901" }, "leaseSeconds: Too big"],
    [{ replicaLagSeconds: "0" }, "replicaLagSeconds: Too small"],
    [
      { regions: THREE, encryptionKeyArn: `arn:aws:kms:us-east-1:123456789012:key/${KEY_ID}` },
      'encryptionKeyArn: is of us-east-1 alone; give one for each region: {"us-east-1":"…","us-east-2":"…","us-west-2":"…"}',
    ],
    [
      {
        regions: THREE,
        alarmTopicArn:
          '{"us-east-1":"arn:aws:sns:us-east-1:123456789012:ops","us-east-2":"arn:aws:sns:us-east-2:123456789012:ops"}',
      },
      "alarmTopicArn: has none for us-west-2",
    ],
    [
      { alarmTopicArn: { "eu-west-1": "arn:aws:sns:us-east-1:123456789012:ops" } },
      "alarmTopicArn.eu-west-1: is in us-east-1",
    ],
    [{ alarmTopicArn: { "eu-west-1": "ops" } }, "alarmTopicArn.eu-west-1: must be an ARN such as arn:aws:sns:"],
    [
      { regions: THREE, access: { apiKey: { domain: certified("kafka.example.com") } } },
      "access.apiKey.domain.name: each region has API keys of its own: put {region} into it",
    ],
    [
      { regions: THREE, access: { iam: { domain: certified("kafka.example.com") } } },
      "access.iam.domain.name: a signature is for one region: put {region} into it",
    ],
    [
      { access: { iam: { domain: { ...certified("kafka.{zone}.example.com"), certificateArn: ACM } } } },
      "access.iam.domain.name: must be a host name such as kafka.example.com or kafka.{region}.example.com",
    ],
    [
      { regions: THREE, restored: { logTable: "log-restored" } },
      "restored: goes with one region; docs/operate/backup.md says what there is for several",
    ],
    [{ access: "{}" }, "access: needs apiKey, iam or oidc: nobody could call it"],
    [{ access: "apiKey" }, `access: "apiKey" is not JSON`],
    [{ accessLogs: "yes" }, "accessLogs: Invalid input: expected boolean, received string"],
    [{ memorySizeMb: "1GB" }, "memorySizeMb: Invalid input: expected number, received string"],
    [{ regions: "[eu-west-1]" }, 'regions: must be a list such as ["eu-west-1"]; on a command line eu-west-1 will do'],
    [{ settings: file('{"regions":"eu-west-1"}') }, 'regions: must be a list such as ["eu-west-1"]'],
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
    [
      { restored: { groupTable: "g-restored" } },
      "restored.groupStreamArn: goes with groupTable: docs/operate/backup.md, step 3, makes the stream",
    ],
    [
      { restored: { groupStreamArn: streamOf("millrace-metadata") } },
      "restored.groupStreamArn: is no stream of the table millrace-group",
    ],
    [{ consumerDialect: "kafka" }, "consumerDialect: "],
    [{ maxConsumerLag: "0" }, "maxConsumerLag: "],
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

  it("take three regions, or two and a witness, with what is regional in each", () => {
    const key = `arn:aws:kms:us-east-1:123456789012:key/mrk-${"0".repeat(32)}`;
    const access = {
      apiKey: { domain: certified("{region}.kafka.example.com") },
      oidc: {
        identities: [{ issuer: "https://issuer.example", audiences: ["a"], subjects: ["s"] }],
        domain: certified("kafka.example.com"),
      },
    };
    expect(readSettings({ regions: THREE, encryptionKeyArn: key, access }, undefined)).toMatchObject({
      regions: THREE.split(","),
      leaseSeconds: 10,
      replicaLagSeconds: 30,
      encryptionKeyArn: key,
    });
    const two = { regions: "ap-northeast-1,ap-northeast-3", witnessRegion: "ap-northeast-2", leaseSeconds: "180" };
    expect(readSettings(two, undefined)).toMatchObject({ witnessRegion: "ap-northeast-2", leaseSeconds: 180 });
    const own = { "eu-west-1": `arn:aws:kms:eu-west-1:123456789012:key/${KEY_ID}` };
    expect(readSettings({ encryptionKeyArn: JSON.stringify(own) }, "eu-west-1").encryptionKeyArn).toEqual(own);
  });

  it("take the stream of a table that was restored, and of one that stayed", () => {
    for (const restored of [
      { metadataTable: "m-restored", metadataStreamArn: streamOf("m-restored") },
      { metadataStreamArn: streamOf("millrace-metadata") },
      { groupTable: "g-restored", groupStreamArn: streamOf("g-restored") },
      { groupStreamArn: streamOf("millrace-group") },
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
