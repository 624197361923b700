import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/**
 * Bytes of an item as DynamoDB counts them: names, and values by type.
 * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
 */
export function itemBytes(item: Readonly<Record<string, AttributeValue>>): number {
  return Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);
}

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.B !== undefined) return value.B.length;
  // One byte for two significant digits, and one more; a sign takes another.
  if (value.N !== undefined)
    return Math.ceil(value.N.replace("-", "").length / 2) + 1 + (value.N.startsWith("-") ? 1 : 0);
  throw new Error("an attribute of a type that log items do not have");
}

export const writeUnits = (bytes: number): number => Math.ceil(bytes / 1024);
