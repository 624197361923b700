import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  Billing,
  MultiRegionConsistency,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";
import {
  GROUP_TABLE,
  LOG_TABLE,
  METADATA_TABLE,
  type TableSchema,
} from "../../shared/storage/dynamodb/table-schema.ts";
import { acknowledge } from "../acknowledgements.ts";
import { inRegion, isReplicated } from "../regional.ts";
import { removal } from "../removal.ts";
import { dataNames, type StreamedTable, streamParameter } from "../resource-names.ts";
import type { Settings } from "../settings.ts";

export interface DataStackProps extends StackProps {
  readonly settings: Settings;
}

/** What lives as long as the data, in one region: the tables and the bucket. Nothing here is ever replaced or removed by a mistake. */
export class DataStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: DataStackProps) {
    super(scope, id, props);
    const names = dataNames(settings, this.account, this.region);
    const keyArn = inRegion(settings.encryptionKeyArn, this.region);
    const key = keyArn === undefined ? undefined : Key.fromKeyArn(this, "Key", keyArn);
    // Of streams what is filtered for is in the keys: a topic's deletion, that something was put into a log, that a group began.
    const stream = { dynamoStream: StreamViewType.KEYS_ONLY };
    if (isReplicated(settings)) {
      const log = this.#table("LogTable", names.logTable, LOG_TABLE, settings, key, stream);
      this.#tellStream("LogStream", log, "log", settings);
      if (this.region === settings.regions[0]) this.#globalMetadata(names.metadataTable, settings, key);
    } else {
      this.#table("LogTable", names.logTable, LOG_TABLE, settings, key);
      const metadata = this.#table("MetadataTable", names.metadataTable, METADATA_TABLE, settings, key, stream);
      this.#tellStream("MetadataStream", metadata, "metadata", settings);
    }
    // A regional table with several regions too: a group has its home in one, and is changed by transactions.
    const group = this.#table("GroupTable", names.groupTable, GROUP_TABLE, settings, key, stream);
    this.#tellStream("GroupStream", group, "group", settings);
    this.#bucket(names.bucket, settings, key);
  }

  #table(
    id: string,
    tableName: string,
    schema: TableSchema,
    settings: Settings,
    key: IKey | undefined,
    options: Partial<TablePropsV2> = {},
  ): TableV2 {
    const type = { S: AttributeType.STRING, N: AttributeType.NUMBER };
    return new TableV2(this, id, {
      tableName,
      partitionKey: { name: schema.partitionKey.name, type: type[schema.partitionKey.type] },
      sortKey: { name: schema.sortKey.name, type: type[schema.sortKey.type] },
      ...(schema.timeToLiveAttribute === undefined ? {} : { timeToLiveAttribute: schema.timeToLiveAttribute }),
      billing: Billing.onDemand(),
      encryption: key === undefined ? TableEncryptionV2.dynamoOwnedKey() : TableEncryptionV2.customerManagedKey(key),
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        recoveryPeriodInDays: settings.recoveryDays,
      },
      deletionProtection: settings.removalPolicy === "retain",
      removalPolicy: removal(settings),
      ...options,
    });
  }

  /**
   * One table for all regions, made by the first one's stack: a condition is judged on the newest version, wherever it was
   * written. Such a table is made empty and with all its regions, and gets no others later.
   */
  #globalMetadata(tableName: string, settings: Settings, key: IKey | undefined): void {
    const [, ...others] = settings.regions;
    const keyArns = Object.fromEntries(others.map((region) => [region, inRegion(settings.encryptionKeyArn, region)!]));
    this.#table("MetadataTable", tableName, METADATA_TABLE, settings, key, {
      multiRegionConsistency: MultiRegionConsistency.STRONG,
      replicas: others.map((region) => ({ region })),
      ...(settings.witnessRegion === undefined ? {} : { witnessRegion: settings.witnessRegion }),
      ...(key === undefined ? {} : { encryption: TableEncryptionV2.customerManagedKey(key, keyArns) }),
    });
  }

  /** A parameter and no export, so that the stacks do not hold each other; it stays with the table. */
  #tellStream(id: string, { tableStreamArn }: TableV2, table: StreamedTable, settings: Settings): void {
    const parameter = new StringParameter(this, id, {
      parameterName: streamParameter(settings, table),
      description: `Millrace ${settings.name}: the stream of the ${table} table`,
      stringValue: tableStreamArn!,
    });
    parameter.applyRemovalPolicy(removal(settings));
  }

  #bucket(bucketName: string, settings: Settings, key: IKey | undefined): void {
    const isDestroyed = settings.removalPolicy === "destroy";
    const bucket = new Bucket(this, "Segments", {
      bucketName,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      ...(key === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey: key, bucketKeyEnabled: true }),
      // A table that is restored to a moment needs the objects of that moment: what is deleted stays as long.
      versioned: true,
      lifecycleRules: [
        {
          noncurrentVersionExpiration: Duration.days(settings.recoveryDays),
          expiredObjectDeleteMarker: true,
          abortIncompleteMultipartUploadAfter: Duration.days(1),
        },
      ],
      removalPolicy: removal(settings),
      autoDeleteObjects: isDestroyed,
    });
    acknowledge(bucket, {
      "AwsSolutions-S1":
        "Only the functions' roles reach the bucket, and what they do is in their own logs; whoever wants every access on record turns on CloudTrail's data events.",
    });
  }
}
