import type { AutoOffsetReset } from "../../group/offset-reset.ts";
import type { PollPosition } from "../groups/poll.ts";
import { orderOf } from "./instance-order.ts";

/** How an instance hands records out: keys and values in base64, or as the JSON that they are. */
export type InstanceFormat = "binary" | "json";

/** What an instance was created with. */
export interface InstanceConfig {
  readonly format: InstanceFormat;
  readonly autoOffsetReset: AutoOffsetReset;
  /** What a poll handed out is committed by the poll after it, and when the instance ends. */
  readonly autoCommit: boolean;
  /** A poll waits for so many bytes of RecordBatches; 1: for the first record. */
  readonly minBytes: number;
  /** The longest that a poll waits, in milliseconds; absent: nobody said. */
  readonly requestTimeoutMs?: number;
  /** The address of whoever created it, as its group tells of it. */
  readonly clientHost: string;
}

/** Names one instance. */
export interface InstanceName {
  readonly groupId: string;
  readonly instanceId: string;
}

/** A call of one instance. */
export interface InstanceCall extends InstanceName {
  /** When it arrived at the service, in milliseconds since the epoch: it may have waited since for a process. Absent: now. */
  readonly receivedAt?: number;
}

/** Where an instance's partitions come from. */
export type Consumed =
  | { readonly kind: "nothing" }
  | { readonly kind: "topics"; readonly topics: readonly string[] }
  | { readonly kind: "pattern"; readonly pattern: string }
  /** Assigned by hand: the positions say which. Such an instance is no member of its group. */
  | { readonly kind: "partitions" };

/** A consumer of the REST Proxy v2, whole: each call reads it, and whoever changes it writes it from exactly what it read. */
export interface ConsumerInstance extends InstanceName, InstanceConfig {
  /** Random, new with each creation: its id as a member of the group, and what tells it from another one of its name. */
  readonly memberId: string;
  /** Random ids of the last writes, the newest first: what a conditional write is judged by, and whether one that got no answer was applied. */
  readonly revisions: readonly string[];
  /** The place of the call that wrote it among its calls, as its heartbeats bear it: one that was given up is not heard after a later one (instance-order.ts). */
  readonly sequence: number;
  /** Milliseconds since the epoch: from then on it is not there any more. */
  readonly expiresAt: number;
  readonly consumes: Consumed;
  /** 0: it has to join. */
  readonly memberEpoch: number;
  /** When a member's next heartbeat is due, in milliseconds since the epoch. */
  readonly heartbeatAt: number;
  /** All partitions that it has, each where the next poll begins; those that come first are read first. */
  readonly positions: readonly PollPosition[];
}

/** What of an instance its calls change. */
export type InstanceState = Pick<ConsumerInstance, "consumes" | "memberEpoch" | "heartbeatAt" | "positions">;

/**
 * consumer.instance.timeout.ms of Confluent's REST Proxy, and max.poll.interval.ms of Kafka's consumers: how long an instance is kept
 * that nobody uses, and a member that does not poll.
 * https://docs.confluent.io/platform/current/kafka-rest/production-deployment/rest-proxy/config.html
 */
export const INSTANCE_TIMEOUT_MS = 300_000;

/** Calls that change nothing put its end off once in so long, and not each time: an idle instance is there for 5 to 6 minutes. */
const EXTENDED_EVERY_MS = 60_000;

export function expiryAt(now: number): number {
  return now + INSTANCE_TIMEOUT_MS + EXTENDED_EVERY_MS;
}

export function isExtensionDue({ expiresAt }: ConsumerInstance, now: number): boolean {
  return expiresAt < now + INSTANCE_TIMEOUT_MS;
}

/** Partitions of one instance: its item has to hold them, and a call to look at all. */
export const MAX_INSTANCE_PARTITIONS = 10_000;

/** Writes of others that may come between one and the question what became of it. */
const KEPT_REVISIONS = 8;

/** The instance as the write with the id `revision` leaves it, of a call that arrived at `receivedAt`. */
export function revised(
  instance: ConsumerInstance,
  change: Partial<InstanceState>,
  { revision, now, receivedAt }: { readonly revision: string; readonly now: number; readonly receivedAt: number },
): ConsumerInstance {
  const revisions = [revision, ...instance.revisions].slice(0, KEPT_REVISIONS);
  return { ...instance, ...change, revisions, sequence: orderOf(instance, receivedAt), expiresAt: expiryAt(now) };
}

export function isSubscribed({ consumes }: Pick<ConsumerInstance, "consumes">): boolean {
  return consumes.kind === "topics" || consumes.kind === "pattern";
}

/** It has joined its group, as far as it knows. */
export function isMember(instance: ConsumerInstance): boolean {
  return isSubscribed(instance) && instance.memberEpoch > 0;
}
