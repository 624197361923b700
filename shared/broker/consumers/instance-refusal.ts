import type { ErrorCode } from "../../kafka/error-code.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import type { Result } from "../../kafka/result.ts";
import type { InstanceName } from "./instance.ts";

/** What Confluent's REST Proxy has errors of its own for, and Kafka none. */
export type InstanceReason =
  | "instance-not-found"
  | "instance-exists"
  /** Kafka's clients throw an IllegalStateException. */
  | "illegal-state"
  | "format-mismatch"
  | "topic-not-found"
  | "partition-not-found"
  /** Other calls keep changing the instance, or one that arrived later has changed it. */
  | "contended";

/** Why a call to an instance was refused: for a reason of the instance's, or, without one, as Kafka refuses it. */
export interface InstanceRefusal extends Refusal {
  readonly reason?: InstanceReason;
}

export type InstanceResult<T> = Result<T, InstanceRefusal>;

function refusedFor(
  reason: InstanceReason,
  code: ErrorCode,
  message: string,
  hint: string,
): { readonly ok: false; readonly refusal: InstanceRefusal } {
  return { ok: false, refusal: { code, message, hint, reason } };
}

export function notFound({ groupId, instanceId }: InstanceName) {
  const message = `group "${groupId}" has no consumer instance "${instanceId}"`;
  return refusedFor(
    "instance-not-found",
    "UNKNOWN_MEMBER_ID",
    message,
    "create one; an instance that nobody used for 5 minutes is gone",
  );
}

export function alreadyExists({ groupId, instanceId }: InstanceName) {
  const message = `group "${groupId}" has a consumer instance "${instanceId}" already`;
  return refusedFor("instance-exists", "UNRELEASED_INSTANCE_ID", message, "delete it, take another name, or none");
}

export function illegalState(message: string, hint: string) {
  return refusedFor("illegal-state", "INVALID_REQUEST", message, hint);
}

/** subscribe by names, by a pattern and assign: one of the three, until unsubscribe. */
export function mutuallyExclusive() {
  const message = "Subscription to topics, partitions and pattern are mutually exclusive";
  return illegalState(message, "DELETE the subscription first");
}

export function formatMismatch(format: string) {
  return refusedFor("format-mismatch", "INVALID_REQUEST", `the instance's format is ${format}`, `ask for ${format}`);
}

export function contended({ instanceId }: InstanceName) {
  const message = `other calls keep changing consumer instance "${instanceId}"`;
  return refusedFor("contended", "COORDINATOR_NOT_AVAILABLE", message, "one call at a time; then try again");
}

export function overtaken({ instanceId }: InstanceName) {
  const message = `a call that arrived later has changed consumer instance "${instanceId}"`;
  return refusedFor("contended", "COORDINATOR_NOT_AVAILABLE", message, "go on by that call's answer, or call again");
}

export function topicNotFound(topic: string) {
  return refusedFor(
    "topic-not-found",
    "UNKNOWN_TOPIC_OR_PARTITION",
    `there is no topic "${topic}"`,
    "GET /topics lists them",
  );
}

export function partitionNotFound(topic: string, partition: number) {
  const message = `topic "${topic}" has no partition ${partition}`;
  return refusedFor(
    "partition-not-found",
    "UNKNOWN_TOPIC_OR_PARTITION",
    message,
    `GET /topics/${topic}/partitions lists them`,
  );
}
