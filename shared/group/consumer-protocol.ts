/**
 * What members of a classic group of type "consumer" tell of themselves: Kafka's ConsumerProtocolSubscription, as far as a coordinator
 * looks into it. https://github.com/apache/kafka/blob/trunk/clients/src/main/resources/common/message/ConsumerProtocolSubscription.json
 */

/** The topics that a member subscribes to, by name: after a version of two bytes, an array of strings. undefined: it is something else. */
export function subscribedTopicNames(metadata: Uint8Array): readonly string[] | undefined {
  const bytes = new DataView(metadata.buffer, metadata.byteOffset, metadata.byteLength);
  if (bytes.byteLength < 6 || bytes.getInt16(0) < 0) return undefined;
  const count = bytes.getInt32(2);
  // Each takes two bytes at least.
  if (count < 0 || count > bytes.byteLength / 2) return undefined;
  const names: string[] = [];
  let at = 6;
  for (let index = 0; index < count; index++) {
    if (at + 2 > bytes.byteLength) return undefined;
    const length = bytes.getInt16(at);
    at += 2;
    if (length < 0 || at + length > bytes.byteLength) return undefined;
    names.push(Buffer.from(metadata.subarray(at, at + length)).toString());
    at += length;
  }
  return names;
}
