import { type Refusal, refuse } from "./kafka-error.ts";

const MAX_LENGTH = 249;

/** Why `name` cannot be a topic's; undefined if it can. Rules: org.apache.kafka.common.internals.Topic */
export function topicNameRefusal(name: string): Refusal | undefined {
  if (name.length === 0) return invalid("a topic needs a name");
  if (name === "." || name === "..") return invalid(`a topic cannot be called "${name}"`);
  if (name.length > MAX_LENGTH)
    return invalid(`a topic's name has at most ${MAX_LENGTH} characters, not ${name.length}`);
  if (!/^[a-zA-Z0-9._-]+$/.test(name)) return invalid(`${JSON.stringify(name)} is not a valid topic name`);
  return undefined;
}

/** Names that differ only in `.` and `_` collide: Kafka refuses the second, since metric names mix them up. */
export function namesCollide(one: string, other: string): boolean {
  return one !== other && one.replaceAll(".", "_") === other.replaceAll(".", "_");
}

function invalid(message: string): Refusal {
  return refuse("INVALID_TOPIC_EXCEPTION", message, "use 1 to 249 of a-z A-Z 0-9 . _ -");
}
