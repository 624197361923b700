import { describe, expect, it } from "vitest";
import { GROUP_TABLE, LOG_TABLE, METADATA_TABLE } from "../../shared/storage/dynamodb/table-schema.ts";
import { EVERYTHING, ofType, synthesized } from "./synthesized.ts";

const TABLE = "AWS::DynamoDB::GlobalTable";

describe("tables", () => {
  it("have the keys that the stores use, and the TTL", () => {
    const tables = ofType(synthesized().data, TABLE).map(({ Properties }) => Properties);
    for (const [name, schema] of [
      ["millrace-log", LOG_TABLE] as const,
      ["millrace-metadata", METADATA_TABLE] as const,
      ["millrace-group", GROUP_TABLE] as const,
    ]) {
      const table = tables.find(({ TableName }) => TableName === name);
      const { partitionKey, sortKey, timeToLiveAttribute } = schema;
      expect(table.KeySchema).toEqual([
        { AttributeName: partitionKey.name, KeyType: "HASH" },
        { AttributeName: sortKey.name, KeyType: "RANGE" },
      ]);
      expect(table.AttributeDefinitions).toEqual([
        { AttributeName: partitionKey.name, AttributeType: partitionKey.type },
        { AttributeName: sortKey.name, AttributeType: sortKey.type },
      ]);
      expect(table.TimeToLiveSpecification).toEqual(
        timeToLiveAttribute === undefined ? undefined : { AttributeName: timeToLiveAttribute, Enabled: true },
      );
    }
  });

  it("are paid for by the request, can be restored to a moment, and are not deleted by a slip", () => {
    for (const { Properties } of ofType(synthesized({ recoveryDays: 35 }).data, TABLE)) {
      expect(Properties.BillingMode).toBe("PAY_PER_REQUEST");
      const [replica] = Properties.Replicas;
      expect(replica.PointInTimeRecoverySpecification).toEqual({
        PointInTimeRecoveryEnabled: true,
        RecoveryPeriodInDays: 35,
      });
      expect(replica.DeletionProtectionEnabled).toBe(true);
    }
  });
});

describe("the bucket", () => {
  it("is private, encrypted, asks for TLS, and keeps what is deleted as long as tables can be restored", () => {
    const [bucket] = ofType(synthesized({ recoveryDays: 14 }).data, "AWS::S3::Bucket");
    expect(bucket!.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerEnforced" }] },
      VersioningConfiguration: { Status: "Enabled" },
    });
    expect(JSON.stringify(bucket!.Properties.BucketEncryption)).toContain("AES256");
    expect(bucket!.Properties.LifecycleConfiguration.Rules[0].NoncurrentVersionExpiration.NoncurrentDays).toBe(14);
    const [policy] = ofType(synthesized().data, "AWS::S3::BucketPolicy");
    const denials = policy!.Properties.PolicyDocument.Statement.filter(
      ({ Effect }: { Effect: string }) => Effect === "Deny",
    );
    expect(JSON.stringify(denials)).toContain('"aws:SecureTransport":"false"');
  });
});

describe("data", () => {
  it("is retained when its stack goes, unless the settings say destroy", () => {
    // What tells of the metadata's stream goes and stays with the table: the service is deployed by it.
    const kinds = [TABLE, "AWS::S3::Bucket", "AWS::SSM::Parameter"];
    const stores = (given: Record<string, unknown>) =>
      Object.values(synthesized(given).data.Resources).filter(({ Type }) => kinds.includes(Type));
    expect(stores({})).toHaveLength(6);
    for (const { DeletionPolicy, UpdateReplacePolicy } of stores({})) {
      expect([DeletionPolicy, UpdateReplacePolicy]).toEqual(["RetainExceptOnCreate", "Retain"]);
    }
    for (const { DeletionPolicy } of stores({ removalPolicy: "destroy" })) expect(DeletionPolicy).toBe("Delete");
  });

  it("is encrypted under a key of one's own where there is one", () => {
    const { data } = synthesized(EVERYTHING);
    for (const { Properties } of ofType(data, TABLE)) {
      expect(Properties.SSESpecification).toEqual({ SSEEnabled: true, SSEType: "KMS" });
      expect(Properties.Replicas[0].SSESpecification).toEqual({ KMSMasterKeyId: EVERYTHING.encryptionKeyArn });
    }
    const [bucket] = ofType(data, "AWS::S3::Bucket");
    expect(JSON.stringify(bucket!.Properties.BucketEncryption)).toContain(EVERYTHING.encryptionKeyArn);
  });

  it("that was restored takes the place of the stack's own, for functions, permissions and alarms", () => {
    const metadataTable = "millrace-metadata-restored";
    const metadataStreamArn = `arn:aws:dynamodb:eu-west-1:123456789012:table/${metadataTable}/stream/2026-11-24T12:00:00.000`;
    const groupTable = "millrace-group-restored";
    const groupStreamArn = metadataStreamArn.replace(metadataTable, groupTable);
    const restored = {
      logTable: "millrace-log-restored",
      metadataTable,
      metadataStreamArn,
      groupTable,
      groupStreamArn,
    };
    const { service } = synthesized({ restored });
    const text = JSON.stringify(service);
    for (const name of Object.values(restored)) expect(text).toContain(name);
    expect(text).not.toMatch(/millrace-(log|metadata|group)(?!-restored)/);
    const mappings = ofType(service, "AWS::Lambda::EventSourceMapping");
    expect(mappings.map(({ Properties }) => Properties.EventSourceArn)).toEqual([metadataStreamArn, groupStreamArn]);
    expect(text).toMatch(/millrace-segments-/);
  });
});
