/** The idempotent batches of an item whose batches lie in the segment store, as varints: a dozen bytes each. */
import type { ProducerBatch } from "../../log/log-item.ts";
import { VarintReader, varintSize, writeVarint } from "../../record/varint.ts";

export function encodeProducerBatches(batches: readonly ProducerBatch[], baseOffset: number): Uint8Array {
  const numbers = batches.flatMap((batch) => [
    batch.producerId,
    batch.producerEpoch,
    batch.baseSequence,
    batch.lastSequence,
    batch.baseOffset - baseOffset,
    batch.lastOffset - batch.baseOffset,
    batch.timestamp,
  ]);
  return encodeVarints(numbers);
}

export function decodeProducerBatches(bytes: Uint8Array, baseOffset: number): ProducerBatch[] {
  const reader = new VarintReader(bytes, 0, bytes.length);
  const batches: ProducerBatch[] = [];
  while (reader.at < reader.end) {
    const producerId = reader.next();
    const producerEpoch = reader.next();
    const baseSequence = reader.next();
    const lastSequence = reader.next();
    const base = baseOffset + reader.next();
    const lastOffset = base + reader.next();
    batches.push({
      producerId,
      producerEpoch,
      baseSequence,
      lastSequence,
      baseOffset: base,
      lastOffset,
      timestamp: reader.next(),
    });
  }
  return batches;
}

export function encodeVarints(numbers: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(numbers.reduce((size, number) => size + varintSize(number), 0));
  let at = 0;
  for (const number of numbers) at = writeVarint(bytes, at, number);
  return bytes;
}
