import type { Acks } from "../broker/append-to-partition.ts";
import type { ProducerSequence } from "../broker/encode-records.ts";
import { DEFAULT_PRODUCE_TIMEOUT_MS } from "../kafka/limits.ts";
import { badRequest } from "./http-error.ts";
import type { HttpRequest } from "./http-message.ts";
import { check } from "./schema/check.ts";
import { producerHeaders } from "./schema/parameters.ts";

/** What the query and the headers of a produce say of it. */
export interface ProduceTerms {
  readonly acks: Acks;
  readonly timeoutMs: number;
  readonly expectedOffset?: number;
  readonly producer?: ProducerSequence;
}

interface ProduceQuery {
  readonly acks?: Acks | undefined;
  readonly timeout_ms?: number | undefined;
  readonly expected_offset?: number | undefined;
}

/** Errors: 400 for some but not all of the producer headers, and for acks=0 where an answer is asked for. */
export function produceTerms(query: ProduceQuery, request: HttpRequest): ProduceTerms {
  const { acks = -1, timeout_ms: timeoutMs = DEFAULT_PRODUCE_TIMEOUT_MS, expected_offset: expectedOffset } = query;
  const producer = producerOf(request);
  if (acks === 0 && expectedOffset !== undefined) {
    throw badRequest("expected_offset needs an answer, and acks=0 has none", "use acks=1 or acks=all");
  }
  return {
    acks,
    timeoutMs,
    ...(expectedOffset === undefined ? {} : { expectedOffset }),
    ...(producer === undefined ? {} : { producer }),
  };
}

const PRODUCER_HEADERS = ["producer-id", "producer-epoch", "producer-sequence"];

function producerOf({ headers }: HttpRequest): ProducerSequence | undefined {
  const given = PRODUCER_HEADERS.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]);
  if (given.length === 0) return undefined;
  if (given.length < PRODUCER_HEADERS.length) {
    throw badRequest("an idempotent produce needs Producer-Id, Producer-Epoch and Producer-Sequence");
  }
  const checked = check(producerHeaders(), Object.fromEntries(given), "header");
  return {
    producerId: checked["producer-id"],
    producerEpoch: checked["producer-epoch"],
    baseSequence: checked["producer-sequence"],
  };
}
