/** Kafka's murmur2 (org.apache.kafka.common.utils.Utils.murmur2): a signed 32-bit number. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  const multiplier = 0x5bd1e995;
  let hash = 0x9747b28c ^ length;
  const blocks = length & ~3;
  for (let at = 0; at < blocks; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    word = Math.imul(word, multiplier);
    word ^= word >>> 24;
    hash = Math.imul(hash, multiplier) ^ Math.imul(word, multiplier);
  }
  const rest = length & 3;
  if (rest === 3) hash ^= bytes[blocks + 2]! << 16;
  if (rest >= 2) hash ^= bytes[blocks + 1]! << 8;
  if (rest >= 1) hash = Math.imul(hash ^ bytes[blocks]!, multiplier);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, multiplier);
  return hash ^ (hash >>> 15);
}
