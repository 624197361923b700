import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DescribeTableCommand,
  DescribeTimeToLiveCommand,
  type DynamoDBClient,
  ResourceInUseException,
  UpdateTimeToLiveCommand,
} from "@aws-sdk/client-dynamodb";
import { GROUP_TABLE, LOG_TABLE, METADATA_TABLE, type TableSchema } from "./table-schema.ts";

export interface TableNames {
  readonly log: string;
  readonly metadata: string;
  /** Absent: no groups are kept in this store. */
  readonly group?: string;
}

const MAX_POLLS = 60;
const POLL_MS = 500;

/** Makes the tables that are not there yet, on demand, and waits until they are active: for stores on one's own machine. */
export async function createTables(client: DynamoDBClient, names: TableNames): Promise<void> {
  const wanted = [
    [names.log, LOG_TABLE] as const,
    [names.metadata, METADATA_TABLE] as const,
    ...(names.group === undefined ? [] : [[names.group, GROUP_TABLE] as const]),
  ];
  for (const [name, schema] of wanted) {
    try {
      await client.send(new CreateTableCommand(createTableInput(name, schema)));
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
    }
    await untilActive(client, name);
    if (schema.timeToLiveAttribute !== undefined) await enableTimeToLive(client, name, schema.timeToLiveAttribute);
  }
}

async function untilActive(client: DynamoDBClient, name: string): Promise<void> {
  for (let poll = 0; poll < MAX_POLLS; poll++) {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
    if (Table?.TableStatus === "ACTIVE") return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`table ${name} did not become active within ${(MAX_POLLS * POLL_MS) / 1000} s`);
}

/** Asks first: to enable it twice is refused. */
async function enableTimeToLive(client: DynamoDBClient, name: string, attribute: string): Promise<void> {
  const { TimeToLiveDescription } = await client.send(new DescribeTimeToLiveCommand({ TableName: name }));
  if (TimeToLiveDescription?.AttributeName === attribute) return;
  const TimeToLiveSpecification = { AttributeName: attribute, Enabled: true };
  await client.send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }));
}

function createTableInput(name: string, { partitionKey, sortKey }: TableSchema): CreateTableCommandInput {
  return {
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [partitionKey, sortKey].map((key) => ({ AttributeName: key.name, AttributeType: key.type })),
    KeySchema: [
      { AttributeName: partitionKey.name, KeyType: "HASH" },
      { AttributeName: sortKey.name, KeyType: "RANGE" },
    ],
  };
}
