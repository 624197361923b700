import { describe, expect, it } from "vitest";
import { murmur2 } from "../../../shared/kafka/murmur2.ts";
import { partitionForKey } from "../../../shared/kafka/partitioner.ts";

describe("Kafka's partitioner", () => {
  /** Values of org.apache.kafka.common.utils.UtilsTest. */
  const KNOWN: Record<string, number> = {
    "21": -973932308,
    foobar: -790332482,
    "a-little-bit-long-string": -985981536,
    "a-little-bit-longer-string": -1486304829,
    lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
    abc: 479470107,
  };

  it("hashes as Kafka's own tests say", () => {
    for (const [text, hash] of Object.entries(KNOWN)) expect([text, murmur2(Buffer.from(text))]).toEqual([text, hash]);
  });

  it("takes a negative hash without its sign, as toPositive does", () => {
    expect(partitionForKey(Buffer.from("21"), 10)).toBe((-973932308 & 0x7fffffff) % 10);
  });
});
