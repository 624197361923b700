import { KafkaError } from "../../kafka/kafka-error.ts";
import type { ByteRange } from "../../log/segment/lookup.ts";
import { segmentKeys } from "../../log/segment/segment-keys.ts";
import { type FinishedSegment, holdersOf } from "../../log/segment/segment-metadata.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { BrokerParts } from "../broker.ts";
import { at } from "../replica-stores.ts";
import { ReadSlots } from "./read-slots.ts";

/** One range of one object, eight MiB at most, from one bucket. */
const READ_TIMEOUT_MS = 7_000;
/** Buckets that are asked, one after the other: within what a request may take. */
const MAX_BUCKETS = 3;

/** Reads ranges of segments' objects. What is under way for one reader is another's too. */
export class SegmentRanges {
  readonly #parts: BrokerParts;
  readonly #slots: ReadSlots;
  readonly #underWay = new Map<string, Promise<Uint8Array | undefined>>();

  constructor(parts: BrokerParts) {
    this.#parts = parts;
    this.#slots = new ReadSlots(parts.clock);
  }

  /**
   * The bytes of the range, all of them; undefined: the object is gone. They are not the caller's to change. From this region's bucket if
   * the segment lies there, or else its copier's; where that fails, from another's. Errors: those of the stores; REQUEST_TIMED_OUT;
   * KAFKA_STORAGE_ERROR for an object that is too short.
   */
  read(segment: FinishedSegment, object: "log" | "indexes", range: ByteRange): Promise<Uint8Array | undefined> {
    const key = segmentKeys(segment)[object];
    const name = `${key} ${range.start}-${range.end}`;
    const shared = this.#underWay.get(name);
    if (shared !== undefined) return shared;
    const reading = this.#slots
      .use(() => this.#fromAny(segment, key, range))
      .finally(() => this.#underWay.delete(name));
    this.#underWay.set(name, reading);
    return reading;
  }

  async #fromAny(segment: FinishedSegment, key: string, range: ByteRange): Promise<Uint8Array | undefined> {
    const { logger } = this.#parts;
    let failure: unknown;
    for (const brokerId of this.#holders(segment)) {
      try {
        const bytes = await this.#from(brokerId, key, range);
        if (bytes !== undefined) return bytes;
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        failure = error;
        logger.warn("a segment could not be read", { log: segment.log, broker: brokerId, key }, error);
      }
    }
    if (failure !== undefined) throw failure;
    return undefined;
  }

  /** The nearest first. With one region its bucket, whatever it counts as. */
  #holders(segment: FinishedSegment): readonly number[] {
    const { brokerId: own, replicas } = this.#parts;
    if (replicas === undefined) return [segment.brokerId];
    const holders = holdersOf(segment).filter((id) => replicas.has(id));
    return [...holders.filter((id) => id === own), ...holders.filter((id) => id !== own)].slice(0, MAX_BUCKETS);
  }

  async #from(brokerId: number, key: string, range: ByteRange): Promise<Uint8Array | undefined> {
    const get = at(this.#parts, brokerId).segmentStore.getObject(key, range);
    const bytes = await withTimeout(this.#parts.clock, READ_TIMEOUT_MS, "the segment store", get);
    if (bytes === undefined || bytes.length === range.end - range.start) return bytes;
    throw new KafkaError("KAFKA_STORAGE_ERROR", `${key} has ${bytes.length} bytes at ${range.start}, not ${range.end}`);
  }
}
