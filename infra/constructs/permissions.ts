import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";

/** What the functions act on, by ARN. */
export interface DataArns {
  readonly logTable: string;
  readonly metadataTable: string;
  readonly bucket: string;
  /** The customer's key, where there is one. */
  readonly key: string | undefined;
}

const READ_TABLE = ["dynamodb:GetItem", "dynamodb:Query"];

/** What Lambda reads a stream by, with the function's role: https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html */
const READ_STREAM = [
  "dynamodb:DescribeStream",
  "dynamodb:GetRecords",
  "dynamodb:GetShardIterator",
  "dynamodb:ListStreams",
];

/** Reads logs and metadata; writes one item, the cluster's id, which whoever comes first makes. */
export function fetchPermissions(data: DataArns): PolicyStatement[] {
  return [
    allow("ReadTables", READ_TABLE, [data.logTable, data.metadataTable]),
    allow("WriteClusterId", ["dynamodb:PutItem"], [data.metadataTable], {
      "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["cluster"] },
    }),
    // Without ListBucket, S3 answers 403 for an object that is not there: one that was deleted could not be told from a refusal.
    allow("ReadSegments", ["s3:GetObject"], [objects(data)]),
    allow("ListSegments", ["s3:ListBucket"], [data.bucket]),
    ...keyPermissions(data, ["kms:Decrypt"]),
  ];
}

/** Appends, and changes topics. Reads no segments and deletes none. */
export function producePermissions(data: DataArns): PolicyStatement[] {
  return [
    allow("ReadTables", READ_TABLE, [data.logTable, data.metadataTable]),
    // BatchWriteItem removes the parts of a checkpoint that a newer one has replaced.
    allow("AppendToLogs", ["dynamodb:PutItem", "dynamodb:BatchWriteItem"], [data.logTable]),
    allow("ChangeTopics", ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], [data.metadataTable]),
    allow("WriteSegments", ["s3:PutObject"], [objects(data)]),
    ...keyPermissions(data, ["kms:Decrypt", "kms:GenerateDataKey"]),
  ];
}

/** Removes what deleted topics left behind, and carries on deletions that were cut short; hears of them by the stream. */
export function maintenancePermissions(data: DataArns, metadataStream: string): PolicyStatement[] {
  return [
    allow("ReadTables", READ_TABLE, [data.logTable, data.metadataTable]),
    allow("SealAndRemoveLogs", ["dynamodb:PutItem", "dynamodb:BatchWriteItem"], [data.logTable]),
    allow("RemoveTopics", ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"], [data.metadataTable]),
    allow("ListSegments", ["s3:ListBucket"], [data.bucket]),
    allow("RemoveSegments", ["s3:DeleteObject"], [objects(data)]),
    allow("ReadStream", READ_STREAM, [metadataStream]),
    ...keyPermissions(data, ["kms:Decrypt"]),
  ];
}

/** Tables under a customer's key are read and written by whoever may use the key. */
function keyPermissions({ key }: DataArns, actions: string[]): PolicyStatement[] {
  return key === undefined ? [] : [allow("UseKey", actions, [key])];
}

function objects({ bucket }: DataArns): string {
  return `${bucket}/*`;
}

function allow(sid: string, actions: string[], resources: string[], conditions = {}): PolicyStatement {
  return new PolicyStatement({ sid, effect: Effect.ALLOW, actions, resources, conditions });
}
