import { Effect, PolicyStatement } from "aws-cdk-lib/aws-iam";
import { GROUP_HOME_KIND } from "../../shared/storage/dynamodb/table-schema.ts";

/** What the functions of one region act on, by ARN: with several regions on the logs and the objects of all. */
export interface DataArns {
  readonly logTables: readonly string[];
  /** The region's own: of a global table the copy that answers there. */
  readonly metadataTable: string;
  /** A group's home is one region, and whoever is asked for it acts on that one's table. */
  readonly groupTables: readonly string[];
  readonly buckets: readonly string[];
  /** The customer's keys, where there are some. */
  readonly keys: readonly string[];
  /** The stream that is read in the region: the metadata's with one region, with several its log's. */
  readonly stream: string;
  /** That of the region's own group table. */
  readonly groupStream: string;
  /** Whether logs have followers: whoever appends then fills them too, with the objects that their items point to. */
  readonly isReplicated: boolean;
}

const READ_TABLE = ["dynamodb:GetItem", "dynamodb:Query"];
/** BatchWriteItem removes the parts of a checkpoint that a newer one has replaced. */
const WRITE_LOG = ["dynamodb:PutItem", "dynamodb:BatchWriteItem"];

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
    readTables(data),
    allow("WriteClusterId", ["dynamodb:PutItem"], [data.metadataTable], {
      "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["cluster"] },
    }),
    ...readSegments(data),
    ...useKeys(data, ["kms:Decrypt"]),
  ];
}

/**
 * Appends, and changes topics; hands what needs no answer to itself, and begins the upkeep of logs. Deletes no segments, and reads them for
 * followers alone.
 */
export function producePermissions(
  data: DataArns,
  functions: { readonly own: string; readonly maintenance: readonly string[] },
): PolicyStatement[] {
  return [
    readTables(data),
    allow("AppendToLogs", WRITE_LOG, data.logTables),
    allow("ChangeTopics", ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"], [data.metadataTable]),
    allow("WriteSegments", ["s3:PutObject"], objects(data)),
    ...(data.isReplicated ? readSegments(data) : []),
    allow("InvokeItself", ["lambda:InvokeFunction"], [functions.own]),
    allow("BeginUpkeep", ["lambda:InvokeFunction"], functions.maintenance),
    ...useKeys(data, ["kms:Decrypt", "kms:GenerateDataKey"]),
  ];
}

/**
 * What DynamoDbGroupStore asks of a group table. A transaction needs what each of its parts needs alone, and for conditions by themselves one
 * permission more: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
 */
const USE_GROUPS = [
  ...READ_TABLE,
  "dynamodb:BatchGetItem",
  "dynamodb:PutItem",
  "dynamodb:UpdateItem",
  "dynamodb:DeleteItem",
  "dynamodb:ConditionCheckItem",
];

/**
 * Keeps groups, reads the logs that their members consume, and sets the clock of its own sweep. Of the metadata it writes two kinds of items,
 * which whoever comes first makes: the cluster's id, and a group's home.
 */
export function coordinatorPermissions(data: DataArns, sweepRules: readonly string[]): PolicyStatement[] {
  return [
    readTables(data),
    allow("UseGroups", USE_GROUPS, data.groupTables),
    allow("WriteGroupHomes", ["dynamodb:PutItem"], [data.metadataTable], {
      "ForAllValues:StringEquals": { "dynamodb:LeadingKeys": ["cluster", GROUP_HOME_KIND] },
    }),
    ...readSegments(data),
    allow("ReadStream", READ_STREAM, [data.groupStream]),
    allow("SetSweepClock", ["events:EnableRule", "events:DisableRule"], sweepRules),
    ...useKeys(data, ["kms:Decrypt"]),
  ];
}

/**
 * Removes what deleted topics left behind, carries on deletions that were cut short, and keeps logs: segments, retention, compaction. With one region the
 * stream of deleted topics begins it, and it sets the clock of the upkeep, a rule by its ARN; with several regions a clock goes that it need not set.
 */
export function maintenancePermissions(data: DataArns, upkeepRule?: string): PolicyStatement[] {
  return [
    readTables(data),
    allow("SealAndKeepLogs", WRITE_LOG, data.logTables),
    allow(
      "RemoveTopicsAndKeepSegments",
      ["dynamodb:PutItem", "dynamodb:DeleteItem", "dynamodb:BatchWriteItem"],
      [data.metadataTable],
    ),
    ...readSegments(data),
    allow("KeepSegments", ["s3:PutObject", "s3:AbortMultipartUpload", "s3:DeleteObject"], objects(data)),
    ...(data.isReplicated ? [] : [allow("ReadStream", READ_STREAM, [data.stream])]),
    ...(upkeepRule === undefined
      ? []
      : [allow("SetUpkeepClock", ["events:EnableRule", "events:DisableRule"], [upkeepRule])]),
    ...useKeys(data, ["kms:Decrypt", "kms:GenerateDataKey"]),
  ];
}

/** Carries logs and their objects to followers, and changes in-sync sets; woken by the stream of the region's log. */
export function replicatorPermissions(data: DataArns): PolicyStatement[] {
  return [
    readTables(data),
    allow("FillLogs", WRITE_LOG, data.logTables),
    allow("ChangeInSyncReplicas", ["dynamodb:PutItem"], [data.metadataTable]),
    ...readSegments(data),
    allow("CopySegments", ["s3:PutObject"], objects(data)),
    allow("ReadStream", READ_STREAM, [data.stream]),
    ...useKeys(data, ["kms:Decrypt", "kms:GenerateDataKey"]),
  ];
}

/** Keeps the region's lease, and begins the epochs that this region comes to lead. Neither reads nor writes objects. */
export function leasePermissions(data: DataArns): PolicyStatement[] {
  return [
    readTables(data),
    allow("LeadLogs", WRITE_LOG, data.logTables),
    allow("KeepLeaseAndElect", ["dynamodb:PutItem"], [data.metadataTable]),
    ...useKeys(data, ["kms:Decrypt"]),
  ];
}

function readTables({ logTables, metadataTable }: DataArns): PolicyStatement {
  return allow("ReadTables", READ_TABLE, [...logTables, metadataTable]);
}

/** Without ListBucket, S3 answers 403 for an object that is not there: one that was deleted could not be told from a refusal. */
function readSegments(data: DataArns): PolicyStatement[] {
  return [
    allow("ReadSegments", ["s3:GetObject"], objects(data)),
    allow("ListSegments", ["s3:ListBucket"], data.buckets),
  ];
}

/** Tables under a customer's key are read and written by whoever may use the key. */
function useKeys({ keys }: DataArns, actions: string[]): PolicyStatement[] {
  return keys.length === 0 ? [] : [allow("UseKey", actions, keys)];
}

function objects({ buckets }: DataArns): string[] {
  return buckets.map((bucket) => `${bucket}/*`);
}

function allow(sid: string, actions: string[], resources: readonly string[], conditions = {}): PolicyStatement {
  return new PolicyStatement({ sid, effect: Effect.ALLOW, actions, resources: [...resources], conditions });
}
