import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

export interface Units {
  requests: number;
  read: number;
  written: number;
}

/** Requests to DynamoDB, and the units that it says it has taken. */
export function meter(client: DynamoDBClient): { taken(): Units } {
  let units: Units = { requests: 0, read: 0, written: 0 };
  client.middlewareStack.add(
    (next, context) => async (args) => {
      Object.assign(args.input, { ReturnConsumedCapacity: "TOTAL" });
      const result = await next(args);
      const { ConsumedCapacity } = result.output as { ConsumedCapacity?: Capacity | readonly Capacity[] };
      const sum = [ConsumedCapacity ?? []].flat().reduce((total, { CapacityUnits = 0 }) => total + CapacityUnits, 0);
      units.requests++;
      if (/Get|Query/.test(context.commandName ?? "")) units.read += sum;
      else units.written += sum;
      return result;
    },
    { step: "initialize", name: "meter" },
  );
  return {
    taken: () => {
      const taken = units;
      units = { requests: 0, read: 0, written: 0 };
      return taken;
    },
  };
}

interface Capacity {
  readonly CapacityUnits?: number;
}
