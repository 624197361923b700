import type { Broker } from "../../shared/broker/broker.ts";
import { fetch } from "../../shared/broker/fetch.ts";
import { initProducerId } from "../../shared/broker/init-producer-id.ts";
import { LATEST_TIMESTAMP, listOffsets } from "../../shared/broker/list-offsets.ts";
import { produceRecords } from "../../shared/broker/produce-records.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { decodeRecords } from "../../shared/record/decode-batch.ts";
import { batchHeaders, verifyCrc } from "../../shared/record/read-batch-header.ts";
import { type Attempt, CONTROL, type History } from "./history.ts";
import type { Scheduler } from "./scheduler.ts";
import { TOPIC } from "./simulation.ts";

export interface ClientWorld {
  readonly scheduler: Scheduler;
  /** Any process: a client's next request may go to another one. */
  readonly broker: () => Broker;
  readonly history: History;
  readonly steps: number;
  /** With several replicas the highWatermark that a reader can see for itself may lag behind an acknowledgement, as in Kafka. */
  readonly mayLag?: boolean;
  /** Whether acknowledged records may have been lost by now, by an unclean election. */
  readonly mayHaveLost?: () => boolean;
  /** Where the log begins by now: what lies below is out of range. 0 unless told. */
  readonly logStartOffset?: () => Promise<number>;
  /** How long a produce may take; 15 s unless told. */
  readonly timeoutMs?: number;
  /** A reader hears no answer that comes later; Infinity unless told. What a process says that slept in the middle of a fetch is nobody's. */
  readonly patienceMs?: number;
  /** The longest that a client waits between two requests; 300 ms unless told. */
  readonly pauseMs?: number;
}

interface Terms {
  readonly producer?: { readonly producerId: number; readonly producerEpoch: number; readonly baseSequence: number };
  readonly expectedOffset?: number;
  /** -1 (all) unless told. */
  readonly acks?: -1 | 1;
}

/** The offset it was given, or the error's code and whether it certainly was not appended. */
export type Sent =
  | { readonly offset: number; readonly sentAt: number }
  | { readonly code: string; readonly isRefused: boolean };

export async function send(
  { broker, scheduler, timeoutMs = 15_000 }: ClientWorld,
  value: string,
  terms: Terms,
): Promise<Sent> {
  const sentAt = scheduler.now;
  const record = { partition: 0, key: null, value: Buffer.from(value), headers: [] };
  try {
    const produced = await produceRecords(broker(), {
      topic: TOPIC,
      records: [record],
      acks: -1,
      timeoutMs,
      ...terms,
    });
    const result = produced.ok ? produced.value.results[0]! : produced;
    if (result.ok) {
      scheduler.note(`${value} at ${result.value.offset}`);
      return { offset: result.value.offset, sentAt };
    }
    const { refusal } = result;
    scheduler.note(`${value} ${refusal.code}`);
    return { code: refusal.code, isRefused: !(refusal instanceof KafkaError) || refusal.outcome === "none" };
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    return { code: error.code, isRefused: true };
  }
}

/** A store that fails for good is no violation; anything else that is thrown is. */
function passing(error: unknown): undefined {
  if (!(error instanceof KafkaError)) throw error;
}

function acknowledge(attempt: Attempt, { offset, sentAt }: Extract<Sent, { offset: number }>): void {
  attempt.offset = offset;
  attempt.sentAt = sentAt;
}

const pause = ({ scheduler, pauseMs = 300 }: ClientWorld) => scheduler.sleep(scheduler.integer(pauseMs));

/** Sends each value until it is acknowledged, under one sequence; begins anew under another id if it must. */
export async function idempotentProducer(world: ClientWorld, id: number): Promise<void> {
  const { broker, history, steps } = world;
  let producerId: number | undefined;
  let baseSequence = 0;
  for (let step = 0; step < steps; step++) {
    while (producerId === undefined) {
      producerId = (await initProducerId(broker()).catch(passing))?.producerId;
      // Where weeks are simulated, regions are gone for hours.
      if (producerId === undefined && world.pauseMs !== undefined) await pause(world);
      baseSequence = 0;
    }
    const attempt: Attempt = { value: `i${id}-${producerId}-${step}`, producer: producerId, sequence: baseSequence };
    history.attempts.push(attempt);
    for (let tries = 0; ; tries++) {
      const sent = await send(world, attempt.value, { producer: { producerId, producerEpoch: 0, baseSequence } });
      if ("offset" in sent) {
        acknowledge(attempt, sent);
        baseSequence++;
        break;
      }
      if (sent.code === "OUT_OF_ORDER_SEQUENCE_NUMBER" && world.mayHaveLost?.()) {
        // As Kafka's producer does whose last batches an unclean election lost.
        producerId = undefined;
        break;
      }
      if (sent.code === "OUT_OF_ORDER_SEQUENCE_NUMBER" || sent.code === "INVALID_PRODUCER_EPOCH") {
        history.violations.push(`${attempt.value}: ${sent.code}, though it is the next in order`);
      }
      // Sometimes it gives up, as a client that dies does; its record may be in the log or not.
      if (tries > 8) {
        producerId = undefined;
        break;
      }
      await pause(world);
    }
    await pause(world);
  }
}

/** Sends each value once, whatever comes of it: it must not stand in the log twice. */
export async function plainProducer(world: ClientWorld, id: number, acks: -1 | 1 = -1): Promise<void> {
  for (let step = 0; step < world.steps; step++) {
    const value = `${acks === 1 ? "one" : "p"}${id}-${step}`;
    const attempt: Attempt = acks === 1 ? { value, isLeadersAlone: true } : { value };
    world.history.attempts.push(attempt);
    const sent = await send(world, value, { acks });
    if ("offset" in sent) acknowledge(attempt, sent);
    else attempt.isRefused = sent.isRefused;
    await pause(world);
  }
}

/** Appends only where it expects the log to end: an acknowledgement must name just that offset. */
export async function conditionalAppender(world: ClientWorld): Promise<void> {
  for (let step = 0; step < world.steps; step++) {
    const asked = { topic: TOPIC, partition: 0, timestamp: LATEST_TIMESTAMP };
    const end = await listOffsets(world.broker(), asked).catch(passing);
    if (!end?.ok) continue;
    const attempt: Attempt = { value: `c-${step}` };
    world.history.attempts.push(attempt);
    const sent = await send(world, attempt.value, { expectedOffset: end.value.offset });
    if ("offset" in sent) {
      acknowledge(attempt, sent);
      if (sent.offset !== end.value.offset)
        world.history.violations.push(`${attempt.value} expected ${end.value.offset} and got ${sent.offset}`);
    } else attempt.isRefused = sent.isRefused;
    await pause(world);
  }
}

/** Reads on from where it is, sometimes from anywhere before it; what was acknowledged must be there. */
export async function fetcher(world: ClientWorld): Promise<void> {
  const { scheduler, broker, history, steps } = world;
  let offset = 0;
  for (let step = 0; step < 3 * steps; step++) {
    const kept = history.attempts.filter(({ isLeadersAlone }) => isLeadersAlone === undefined);
    const acknowledged = Math.max(-1, ...kept.map((attempt) => attempt.offset ?? -1));
    const from = scheduler.chance(0.2) ? scheduler.integer(acknowledged + 2) : offset;
    const maxBytes = scheduler.chance(0.5) ? 100 : 1 << 20;
    const maxWaitMs = scheduler.integer(2_000);
    const request = { topic: TOPIC, partition: 0, offset: from, maxBytes, minBytes: 1, maxWaitMs };
    const askedAt = scheduler.now;
    const fetched = await fetch(broker(), request).catch(passing);
    if (scheduler.now - askedAt > (world.patienceMs ?? Number.POSITIVE_INFINITY)) continue;
    if (!fetched?.ok) {
      if (fetched === undefined) continue;
      if (fetched.refusal.code === "OFFSET_OUT_OF_RANGE" && from < ((await world.logStartOffset?.()) ?? 0)) {
        offset = fetched.refusal.logStartOffset ?? 0;
      } else if (fetched.refusal.code === "OFFSET_OUT_OF_RANGE" && world.mayHaveLost?.()) {
        offset = fetched.refusal.highWatermark ?? 0;
      } else if (fetched.refusal.code === "OFFSET_OUT_OF_RANGE" && from <= acknowledged + 1) {
        history.violations.push(`fetch from ${from} is out of range, though ${acknowledged} was acknowledged before`);
      }
      continue;
    }
    const { batches, highWatermark, nextOffset } = fetched.value;
    const texts = textsOf(batches, from);
    scheduler.note(`fetched ${from} to ${nextOffset} of ${highWatermark}`);
    if (texts.length === 0 && from <= acknowledged && !world.mayLag)
      history.violations.push(`fetch from ${from} is empty, though ${acknowledged} was acknowledged before`);
    for (const seen of texts) {
      if (seen.offset >= highWatermark)
        history.violations.push(`${seen.offset} was seen above the highWatermark ${highWatermark}`);
      history.seen.push(seen);
    }
    offset = nextOffset;
    await pause(world);
  }
}

/** Offsets and texts of the records from `from` on; their CRCs are checked. */
export function textsOf(batches: Uint8Array, from: number): { offset: number; value: string }[] {
  return batchHeaders(batches).flatMap(({ header, at }) => {
    verifyCrc(batches, at, header);
    // What the log writes itself takes an offset, and is no consumer's.
    if (header.isControl) return [{ offset: header.baseOffset, value: `${CONTROL}${header.baseOffset}` }];
    return decodeRecords(batches, at, header)
      .filter(({ offset }) => offset >= from)
      .map(({ offset, value }) => ({ offset, value: Buffer.from(value ?? []).toString() }));
  });
}
