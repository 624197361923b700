import { KafkaError } from "../kafka/kafka-error.ts";
import type { AppendRequest } from "../log/append.ts";
import { NO_PRODUCER_ID } from "../record/batch-header.ts";
import type { BrokerParts } from "./broker.ts";
import { encodedBytes, encodeHandedOff, type HandedOffAppend, handedOffOverhead } from "./handed-off-event.ts";

/**
 * The port to whatever runs this service once more, behind the answer: Lambda's asynchronous invocation. An event that is taken
 * is brought once, now and then twice.
 */
export interface AsyncInvocation {
  /** What one event may have, in bytes of JSON. */
  readonly maxEventBytes: number;
  /** Resolves when the event is taken. Errors: KafkaError; `outcome` says whether it may have been taken all the same. */
  invoke(event: string): Promise<void>;
}

/** After an invocation that failed, nothing is handed off for so long: each attempt costs the producer time. */
const PAUSE_MS = 30_000;
const MAX_AT_ONCE = 50;

interface Open {
  readonly encoded: string[];
  bytes: number;
  readonly taken: Promise<boolean>;
}

/**
 * Hands appends of acks=0 over, so that a request can be answered before they are written where the process stops with the
 * answer. What comes within a millisecond goes together: a request's partitions.
 */
export class AppendHandOff {
  readonly #parts: Pick<BrokerParts, "clock" | "logger" | "random" | "asyncInvocation">;
  #open: Open | undefined;
  #atOnce = 0;
  #pausedUntil = Number.NEGATIVE_INFINITY;

  constructor(parts: Pick<BrokerParts, "clock" | "logger" | "random" | "asyncInvocation">) {
    this.#parts = parts;
  }

  /**
   * True: it is taken, and appended as with acks=1 or lost. False: the caller appends it. An idempotent producer's batch is
   * never taken: its sequence is an order, and invocations have none. Never throws.
   */
  async take(
    to: { readonly topic: string; readonly topicId: string; readonly partition: number },
    { batches, headers }: AppendRequest,
  ): Promise<boolean> {
    const { asyncInvocation, clock, random } = this.#parts;
    if (asyncInvocation === undefined || clock.now() < this.#pausedUntil || this.#atOnce >= MAX_AT_ONCE) return false;
    if (headers.some(({ header }) => header.producerId !== NO_PRODUCER_ID)) return false;
    const appendId = Buffer.from(random.bytes(16)).toString("base64url");
    const append: HandedOffAppend = { ...to, appendId, handedOffAt: clock.now(), batches };
    // Base64 is not made of what is too large anyway.
    if (encodedBytes(append) + handedOffOverhead > asyncInvocation.maxEventBytes) return false;
    const encoded = encodeHandedOff(append);
    const isFull = (this.#open?.bytes ?? 0) + encoded.length + 1 > asyncInvocation.maxEventBytes;
    if (this.#open === undefined || isFull) this.#open = this.#begin(asyncInvocation);
    this.#open.encoded.push(encoded);
    this.#open.bytes += encoded.length + 1;
    return this.#open.taken;
  }

  #begin(invocation: AsyncInvocation): Open {
    const encoded: string[] = [];
    this.#atOnce++;
    const taken = this.#parts.clock.sleep(1).then(async () => {
      if (this.#open?.encoded === encoded) this.#open = undefined;
      try {
        return await this.#invoke(invocation, encoded);
      } finally {
        this.#atOnce--;
      }
    });
    return { encoded, bytes: handedOffOverhead, taken };
  }

  async #invoke(invocation: AsyncInvocation, encoded: readonly string[]): Promise<boolean> {
    const { clock, logger } = this.#parts;
    try {
      await invocation.invoke(`{"handedOffAppends":[${encoded.join(",")}]}`);
      return true;
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      this.#pausedUntil = clock.now() + PAUSE_MS;
      logger.warn("appends with acks=0 are not handed off: they are written before they are answered", {}, error);
      // It may come all the same, and would be there twice; with acks=0 it may be lost.
      return error.outcome === "unknown";
    }
  }
}
