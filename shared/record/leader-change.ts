import { writeInt32 } from "./int64.ts";

/**
 * The value of a LEADER_CHANGE control record, version 0: leader, voters, and no voters that granted it. Source:
 * https://github.com/apache/kafka/blob/trunk/clients/src/main/resources/common/message/LeaderChangeMessage.json
 */
export function encodeLeaderChange(leader: number, voters: readonly number[]): Uint8Array {
  if (voters.length > 126) throw new RangeError("more voters than a length of one byte can tell");
  // version int16, leader int32, compact array of {voter int32, no tags}, empty compact array, no tags
  const bytes = new Uint8Array(2 + 4 + 1 + voters.length * 5 + 1 + 1);
  writeInt32(bytes, 2, leader);
  bytes[6] = voters.length + 1;
  for (const [index, voter] of voters.entries()) writeInt32(bytes, 7 + index * 5, voter);
  bytes[7 + voters.length * 5] = 1;
  return bytes;
}
