import type { Random } from "../runtime/random.ts";

/** As Kafka's batch.size: about so much goes to one partition before the next is chosen. */
const STICKY_BYTES = 16 * 1024;
const MAX_TOPICS = 10_000;

interface Sticky {
  readonly partition: number;
  bytes: number;
}

/**
 * Where records without a key go: to one partition for a while, so that they share items, then to another (KIP-480).
 * Each process begins at a random one, so that processes seldom meet; where they do, the loser moves on.
 */
export class StickyPartitions {
  readonly #random: Random;
  readonly #byTopic = new Map<string, Sticky>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** The partition for `bytes` more of the topic's records. */
  next(topicId: string, partitionCount: number, bytes: number): number {
    let sticky = this.#byTopic.get(topicId);
    if (sticky === undefined || sticky.bytes >= STICKY_BYTES || sticky.partition >= partitionCount) {
      sticky = this.#choose(topicId, partitionCount, sticky?.partition);
    }
    sticky.bytes += bytes;
    return sticky.partition;
  }

  /** Another writer is at work in `partition`: from now on another one, if the topic has one. */
  moveFrom(topicId: string, partitionCount: number, partition: number): void {
    if (this.#byTopic.get(topicId)?.partition === partition) this.#choose(topicId, partitionCount, partition);
  }

  #choose(topicId: string, partitionCount: number, without: number | undefined): Sticky {
    const avoids = without !== undefined && without < partitionCount && partitionCount > 1;
    const drawn = Math.floor(this.#random.next() * (partitionCount - (avoids ? 1 : 0)));
    const sticky = { partition: avoids && drawn >= without ? drawn + 1 : drawn, bytes: 0 };
    const [oldest] = this.#byTopic.keys();
    if (this.#byTopic.size >= MAX_TOPICS && oldest !== undefined) this.#byTopic.delete(oldest);
    this.#byTopic.set(topicId, sticky);
    return sticky;
  }
}
