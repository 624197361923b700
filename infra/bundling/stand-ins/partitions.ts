/** For the table of AWS's partitions and regions, which rules of endpoints ask, and dynamodb-endpoints.ts does not. */
export const partitionsInfo = { partitions: [], version: "1.1" };
