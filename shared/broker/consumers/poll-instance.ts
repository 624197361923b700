import { MAX_WAIT_MS } from "../../kafka/limits.ts";
import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import type { FetchedPartition, FetchPartitions } from "../groups/fetch-partitions.ts";
import { leaveConsumerGroup } from "../groups/leave-consumer-group.ts";
import { readPositions } from "../groups/read-positions.ts";
import type { Position } from "../groups/start-positions.ts";
import { backOff } from "./change-instance.ts";
import { findForChange, findInstance } from "./find-instance.ts";
import {
  type ConsumerInstance,
  type InstanceCall,
  type InstanceFormat,
  type InstanceName,
  isMember,
} from "./instance.ts";
import { arrivalOf, orderOf } from "./instance-order.ts";
import { afterHandOut, behind, bytesOf, isSamePlace } from "./instance-positions.ts";
import { contended, formatMismatch, type InstanceResult, illegalState } from "./instance-refusal.ts";
import { commitHandedOut, instanceTurn, resetRefusal } from "./instance-turn.ts";
import { holdInstance, writeInstance } from "./write-instance.ts";

export interface PollInstance extends InstanceCall {
  /** Formats that the client can read. */
  readonly formats: readonly InstanceFormat[];
  /** Waits at most so long, in milliseconds, for minBytes; absent: as long as the instance was created with, or a second. */
  readonly timeoutMs?: number;
  /** Bytes of RecordBatches; the first batch comes whatever its size (KIP-74). */
  readonly maxBytes: number;
  /** {@link FetchPartitions.maxColdBytes} */
  readonly maxColdBytes?: number;
  readonly signal?: AbortSignal;
}

/** An answer with records, and where each partition goes on that has some in it. */
export interface HandedOut<T> {
  readonly answer: T;
  readonly positions: readonly Position[];
}

/** Makes an answer of as many of the records as it has room for, in their order. Without any: the answer that there are none. */
export type HandOut<T> = (found: readonly FetchedPartition[], format: InstanceFormat) => HandedOut<T>;

/** consumer.request.timeout.ms of Confluent's REST Proxy. */
const DEFAULT_TIMEOUT_MS = 1_000;
const MAX_ATTEMPTS = 6;

/**
 * A consumer's poll. What earlier polls handed out is committed if the instance does that by itself; a member heartbeats; what has come is fetched, and
 * the answer made; and the last thing before the answer is that the positions behind it are written, if the instance is as it was read. So of
 * two polls at once one hands a record out and the other does not, and one that dies before that write leaves everything to the next.
 *
 * Before it waits for records the poll writes that it was there. Whoever polls later, as a client does that has given up on this one,
 * changes that, and this one comes back empty: a poll that nobody listens to any more takes nothing along.
 *
 * Refusals: instance-not-found, format-mismatch, illegal-state (it consumes nothing), contended; those of instanceTurn and readPositions.
 * Errors: of `handOut`; KafkaError.
 */
export async function pollInstance<T>(
  broker: Broker,
  request: PollInstance,
  handOut: HandOut<T>,
): Promise<InstanceResult<T>> {
  const receivedAt = arrivalOf(broker, request.receivedAt);
  const call = { ...request, receivedAt };
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const found = await findForChange(broker, call);
    if (!found.ok) return found;
    const { format, consumes } = found.value;
    if (!request.formats.includes(format)) return formatMismatch(format);
    if (consumes.kind === "nothing") {
      const hint = "POST a subscription or assignments first";
      return illegalState("Consumer is not subscribed to any topics or assigned any partitions", hint);
    }
    // Once: what another poll hands out at the same time is not done with.
    const loaded = attempt === 1 ? await commitHandedOut(broker, found.value, receivedAt) : found.value;
    const polled = await pollOnce(broker, call, loaded, handOut);
    if (polled.kind === "over") return polled.result;
    if (polled.hasWaited && (await isThere(broker, request))) return ok(handOut([], format).answer);
    await backOff(broker, attempt);
  }
  return contended(request);
}

/** `lost`: another call has changed the instance meanwhile, and nothing was handed out. */
type Polled<T> =
  | { readonly kind: "over"; readonly result: InstanceResult<T> }
  | { readonly kind: "lost"; readonly hasWaited: boolean };

async function pollOnce<T>(
  broker: Broker,
  request: PollInstance & { readonly receivedAt: number },
  loaded: ConsumerInstance,
  handOut: HandOut<T>,
): Promise<Polled<T>> {
  const { clock } = broker;
  const { maxBytes, maxColdBytes = maxBytes, receivedAt, signal } = request;
  const deadline = clock.now() + waitMs(loaded, request);
  const ready = await instanceTurn(broker, { stored: loaded, instance: loaded }, receivedAt);
  if (ready.kind === "overtaken") return { kind: "lost", hasWaited: false };
  if (ready.kind === "lost") return lost(broker, receivedAt, ready.instance, ready.now, false);
  if (ready.kind === "refused") return { kind: "over", result: { ok: false, refusal: ready.refusal } };
  let { stored, instance } = ready;
  const refusal = resetRefusal(instance);
  if (refusal !== undefined) {
    await writeInstance(broker, stored, instance, receivedAt);
    return { kind: "over", result: { ok: false, refusal } };
  }
  let reading = instance.positions;
  const found: FetchedPartition[] = [];
  let hasWaited = false;
  for (let reads = 1; ; reads++) {
    const isIdle = found.length === 0;
    const beatBy = isIdle && isMember(instance) ? instance.heartbeatAt : deadline;
    const read = await readPositions(broker, {
      positions: reading,
      autoOffsetReset: instance.autoOffsetReset,
      maxBytes: maxBytes - bytesOf(found),
      maxColdBytes: maxColdBytes - bytesOf(found),
      untilMs: hasWaited ? Math.min(deadline, beatBy) : clock.now(),
      isWaiting: reads > 2,
      ...(signal === undefined ? {} : { signal }),
    });
    if (!read.ok) {
      // What was found before is handed out, and what is wrong is told by the next poll.
      if (!isIdle) break;
      await writeInstance(broker, stored, instance, receivedAt);
      return { kind: "over", result: read };
    }
    // Where nothing was found yet, positions that had left their log are where they were reset to.
    if (isIdle) instance = { ...instance, positions: read.value.positions };
    found.push(...read.value.found);
    reading = behind(read.value.positions, read.value.found);
    const bytes = bytesOf(found);
    if (bytes >= Math.min(instance.minBytes, maxBytes) || clock.now() >= deadline || signal?.aborted) break;
    if (!hasWaited) {
      const held = await holdInstance(broker, stored, instance, receivedAt);
      if (!held.isHeld) return lost(broker, receivedAt, instance, held.now, false);
      stored = held.held;
      instance = stored;
      hasWaited = true;
    } else if (found.length === 0 && isMember(instance) && clock.now() >= instance.heartbeatAt) {
      const turn = await instanceTurn(broker, { stored, instance }, receivedAt);
      if (turn.kind === "overtaken") return { kind: "lost", hasWaited };
      if (turn.kind === "lost") return lost(broker, receivedAt, turn.instance, turn.now, hasWaited);
      if (turn.kind === "refused") return { kind: "over", result: { ok: false, refusal: turn.refusal } };
      stored = turn.stored;
      instance = turn.instance;
      reading = instance.positions;
      if (resetRefusal(instance) !== undefined) break;
    }
  }
  // A client that is gone gets nothing, and the next poll all of it.
  let handedOut: HandedOut<T>;
  try {
    handedOut = handOut(signal?.aborted ? [] : found, instance.format);
  } catch (error) {
    // Whoever is told of a record that cannot be handed out has to find the partition assigned, to seek behind it.
    await writeInstance(broker, stored, instance, receivedAt);
    throw error;
  }
  const positions = afterHandOut(instance.positions, found, handedOut.positions);
  if (hasWaited && isSamePlace(stored, { ...instance, positions }))
    return { kind: "over", result: ok(handedOut.answer) };
  const { memberEpoch, heartbeatAt } = instance;
  const written = await writeInstance(broker, stored, { memberEpoch, heartbeatAt, positions }, receivedAt);
  if (!written.isApplied) return lost(broker, receivedAt, instance, written.now, hasWaited);
  return { kind: "over", result: ok(handedOut.answer) };
}

/** Whoever took the instance out of its group, or ended it, must not find it back there because this poll heartbeated for it meanwhile. */
async function lost(
  broker: Broker,
  receivedAt: number,
  instance: ConsumerInstance,
  now: ConsumerInstance | undefined,
  hasWaited: boolean,
): Promise<{ readonly kind: "lost"; readonly hasWaited: boolean }> {
  const { groupId, memberId } = instance;
  const isStillIn = now?.memberId === memberId && now.consumes.kind === instance.consumes.kind;
  if (isMember(instance) && !isStillIn) {
    await leaveConsumerGroup(broker, { groupId, memberId, sequence: orderOf(instance, receivedAt) });
  }
  return { kind: "lost", hasWaited };
}

async function isThere(broker: Broker, name: InstanceName): Promise<boolean> {
  const found = await findInstance(broker, name);
  return found.ok && found.value.consumes.kind !== "nothing";
}

function waitMs({ requestTimeoutMs }: ConsumerInstance, { timeoutMs }: PollInstance): number {
  const most = Math.min(requestTimeoutMs ?? MAX_WAIT_MS, MAX_WAIT_MS);
  return Math.min(timeoutMs ?? requestTimeoutMs ?? DEFAULT_TIMEOUT_MS, most);
}
