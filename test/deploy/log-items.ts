import { type AttributeValue, BatchWriteItemCommand, DynamoDBClient, QueryCommand } from "@aws-sdk/client-dynamodb";
import { type Deployment, ENDPOINT } from "./deployment.ts";
import { ROOT } from "./request.ts";

/** DynamoDB's, at a time. */
const BATCH = 25;

/** What tests look at of an item of a log. */
export interface HotItem {
  readonly baseOffset: number;
  /** When DynamoDB may delete it, in seconds since the epoch. */
  readonly expiresAt: number | undefined;
}

const clientOf = ({ region }: Deployment) => new DynamoDBClient({ endpoint: ENDPOINT.href, region, credentials: ROOT });

/** The items of a log, by `topicId#partition`, as the region's table has them: asked for by the account's root. */
export async function logItems(deployment: Deployment, tp: string): Promise<HotItem[]> {
  const client = clientOf(deployment);
  const found: Record<string, AttributeValue>[] = [];
  let startKey: Record<string, AttributeValue> | undefined;
  do {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new QueryCommand({
        TableName: `${deployment.name}-log`,
        KeyConditionExpression: "tp = :tp",
        ExpressionAttributeValues: { ":tp": { S: tp } },
        ProjectionExpression: "baseOffset, expiresAt",
        ConsistentRead: true,
        ...(startKey === undefined ? {} : { ExclusiveStartKey: startKey }),
      }),
    );
    found.push(...Items);
    startKey = LastEvaluatedKey;
  } while (startKey !== undefined);
  return found.map(({ baseOffset, expiresAt }) => ({
    baseOffset: Number(baseOffset!.N),
    expiresAt: expiresAt === undefined ? undefined : Number(expiresAt.N),
  }));
}

/** Removes items of a log below an offset: in place of DynamoDB's TTL, which the emulator does not have. */
export async function removeLogItems(deployment: Deployment, tp: string, beforeOffset: number): Promise<void> {
  const items = (await logItems(deployment, tp)).filter(({ baseOffset }) => baseOffset < beforeOffset);
  const requests = items.map(({ baseOffset }) => ({
    DeleteRequest: { Key: { tp: { S: tp }, baseOffset: { N: String(baseOffset) } } },
  }));
  for (let at = 0; at < requests.length; at += BATCH) {
    const some = { [`${deployment.name}-log`]: requests.slice(at, at + BATCH) };
    await clientOf(deployment).send(new BatchWriteItemCommand({ RequestItems: some }));
  }
}
