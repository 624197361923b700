/** Texts, bytes and sets of partitions one after the other: what items of groups hold much of. */
import type { PartitionsByTopic } from "../../group/partitions-by-topic.ts";
import { VarintReader, varintSize, writeVarint } from "../../record/varint.ts";

export class GroupBytesWriter {
  readonly #chunks: Uint8Array[] = [];

  number(value: number): this {
    const bytes = new Uint8Array(varintSize(value));
    writeVarint(bytes, 0, value);
    this.#chunks.push(bytes);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    this.number(bytes.length);
    this.#chunks.push(bytes);
    return this;
  }

  text(text: string): this {
    return this.bytes(Buffer.from(text));
  }

  /** As runs: where each begins, counted from the end of the one before, and how long it is. `nameOf`: what stands for a topic's id. */
  partitions(set: PartitionsByTopic, writeTopic: (topicId: string) => void): this {
    const topics = Object.entries(set);
    this.number(topics.length);
    for (const [topicId, partitions] of topics) {
      writeTopic(topicId);
      const runs = runsOf(partitions);
      this.number(runs.length);
      let end = 0;
      for (const { start, length } of runs) {
        this.number(start - end).number(length);
        end = start + length;
      }
    }
    return this;
  }

  end(): Uint8Array {
    return Buffer.concat(this.#chunks);
  }
}

export class GroupBytesReader {
  readonly #reader: VarintReader;

  constructor(bytes: Uint8Array) {
    this.#reader = new VarintReader(bytes, 0, bytes.length);
  }

  number(): number {
    return this.#reader.next();
  }

  bytes(): Uint8Array {
    const length = this.#reader.next();
    const { bytes, at } = this.#reader;
    this.#reader.at = at + length;
    return Uint8Array.from(bytes.subarray(at, at + length));
  }

  text(): string {
    return Buffer.from(this.bytes()).toString();
  }

  partitions(readTopic: () => string): PartitionsByTopic {
    const set: Record<string, number[]> = {};
    for (let topics = this.number(); topics > 0; topics--) {
      const partitions: number[] = [];
      set[readTopic()] = partitions;
      let end = 0;
      for (let runs = this.number(); runs > 0; runs--) {
        const start = end + this.number();
        end = start + this.number();
        for (let partition = start; partition < end; partition++) partitions.push(partition);
      }
    }
    return set;
  }
}

function runsOf(partitions: readonly number[]): { start: number; length: number }[] {
  const runs: { start: number; length: number }[] = [];
  for (const partition of partitions) {
    const last = runs.at(-1);
    if (last !== undefined && last.start + last.length === partition) last.length++;
    else runs.push({ start: partition, length: 1 });
  }
  return runs;
}
