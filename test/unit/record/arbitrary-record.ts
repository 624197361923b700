import fc from "fast-check";
import type { ProducerRecord } from "../../../shared/record/record.ts";

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const nullable = (maxLength: number) => fc.option(bytes(maxLength));

/** Records as producers make them, odd ones included. */
export const arbitraryRecord: fc.Arbitrary<ProducerRecord> = fc.record({
  key: nullable(40),
  value: fc.oneof(
    nullable(300),
    fc.nat(5_000).map((length) => new Uint8Array(length).fill(7)),
  ),
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 20, unit: "grapheme" }), value: nullable(20) }), {
    maxLength: 4,
  }),
  timestamp: fc.integer({ min: 0, max: 2 ** 45 }),
});

export const arbitraryRecords = fc.array(arbitraryRecord, { minLength: 1, maxLength: 40 });
