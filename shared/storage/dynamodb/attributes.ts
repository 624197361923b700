import type { AttributeValue } from "@aws-sdk/client-dynamodb";

/** An item, or part of one, as DynamoDB's API has it. */
export type Attributes = Record<string, AttributeValue>;

/** An attribute that every item of its kind has. Errors: throws if it is missing: no decoder may guess. */
export function numberOf(attributes: Attributes, name: string): number {
  const text = attributes[name]?.N;
  if (text === undefined) throw new TypeError(`a stored item has no number ${name}`);
  return Number(text);
}

/** As {@link numberOf}, for strings. */
export function stringOf(attributes: Attributes, name: string): string {
  const text = attributes[name]?.S;
  if (text === undefined) throw new TypeError(`a stored item has no string ${name}`);
  return text;
}

/** Broker ids as a list: a set of DynamoDB cannot be empty and keeps no order. */
export function brokerIdsToAttribute(brokerIds: readonly number[]): AttributeValue {
  return { L: brokerIds.map((id) => ({ N: String(id) })) };
}

export function attributeToBrokerIds(attribute: AttributeValue): number[] {
  return (attribute.L ?? []).map((id) => numberOf({ id }, "id"));
}
