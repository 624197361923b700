import { Duration, Stack, type StackProps } from "aws-cdk-lib";
import {
  AttributeType,
  Billing,
  StreamViewType,
  TableEncryptionV2,
  type TablePropsV2,
  TableV2,
} from "aws-cdk-lib/aws-dynamodb";
import { type IKey, Key } from "aws-cdk-lib/aws-kms";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";
import { LOG_TABLE, METADATA_TABLE, type TableSchema } from "../../shared/storage/dynamodb/table-schema.ts";
import { acknowledge } from "../acknowledgements.ts";
import { removal } from "../removal.ts";
import { dataNames, metadataStreamParameter } from "../resource-names.ts";
import type { Settings } from "../settings.ts";

export interface DataStackProps extends StackProps {
  readonly settings: Settings;
}

/** What lives as long as the data: the tables and the bucket. Nothing here is ever replaced or removed by a mistake. */
export class DataStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: DataStackProps) {
    super(scope, id, props);
    const names = dataNames(settings, this.account);
    const key =
      settings.encryptionKeyArn === undefined ? undefined : Key.fromKeyArn(this, "Key", settings.encryptionKeyArn);
    this.#table("LogTable", names.logTable, LOG_TABLE, settings, key);
    const metadata = this.#table("MetadataTable", names.metadataTable, METADATA_TABLE, settings, key, {
      // The deletion of a topic begins maintenance, by its keys: the service stack filters for it.
      dynamoStream: StreamViewType.KEYS_ONLY,
    });
    this.#tellStream(metadata, settings);
    this.#bucket(names.bucket, settings, key);
  }

  #table(
    id: string,
    tableName: string,
    schema: TableSchema,
    settings: Settings,
    key: IKey | undefined,
    options: Pick<TablePropsV2, "dynamoStream"> = {},
  ): TableV2 {
    const type = { S: AttributeType.STRING, N: AttributeType.NUMBER };
    return new TableV2(this, id, {
      ...options,
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
    });
  }

  /** A parameter and no export, so that the stacks do not hold each other; it stays with the table. */
  #tellStream({ tableStreamArn }: TableV2, settings: Settings): void {
    const parameter = new StringParameter(this, "MetadataStream", {
      parameterName: metadataStreamParameter(settings),
      description: `Millrace ${settings.name}: the stream of the metadata table`,
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
