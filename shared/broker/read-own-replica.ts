import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogKey } from "../log/log-item.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { Broker } from "./broker.ts";
import { readCommitted } from "./committed-items.ts";
import { isFenced, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import type { LogRead } from "./read-log.ts";

/**
 * What this region's own table tells a consumer at `offset` by itself, where it follows: Kafka's fetch from the nearest replica
 * (KIP-392). Records below what it is known to hold; and at the very end, while it is in sync, that nothing is there yet:
 * whatever is committed next lies here first. undefined: the leader has to be asked. Errors: FENCED_LEADER_EPOCH where the
 * registration is old.
 */
export async function readOwnReplica(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
  maxBytes: number,
): Promise<LogRead | undefined> {
  const { committed } = broker;
  const follower = committed.held.follower(registration);
  if (follower?.brokerId === undefined || offset < registration.logStartOffset) return undefined;
  const { brokerId } = follower;
  try {
    const end = committed.known(log, registration)?.logEndOffset;
    const isAtEnd = offset === end;
    if (isAtEnd && (await isEndHere(broker, log, registration, offset))) return { kind: "at-end", logEndOffset: end };
    const held = await committed.held.read(log, registration, offset);
    if (offset >= held.logEndOffset) return undefined;
    const items = await readCommitted(follower, log, held, offset, maxBytes);
    const { logEndOffset } = committed.known(log, registration)!;
    if (items !== undefined) return { kind: "items", items, logEndOffset, brokerId };
    broker.logger.warn("the own replica lacks an item: the leader is asked", { log, offset });
  } catch (error) {
    if (!(error instanceof KafkaError) || isFenced(error)) throw error;
    broker.logger.warn("the own replica does not answer: the leader is asked", { log }, error);
  }
  return undefined;
}

/**
 * Whether this region's own table tells that nothing behind `offset`, up to where it holds the log, is committed yet: in sync it has whatever is. False:
 * it cannot tell. Errors: what the own store fails with.
 */
export async function isEndHere(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  offset: number,
): Promise<boolean> {
  const { held } = broker.committed;
  const follower = held.follower(registration);
  if (follower?.brokerId === undefined || !registration.inSyncReplicas.includes(follower.brokerId)) return false;
  if (held.known(log, registration)?.logEndOffset !== offset) return false;
  const read = follower.logStore.readItems(log, offset, { maxItems: 1, maxBytes: 1 });
  const { items } = await withTimeout(follower.clock, READ_TIMEOUT_MS, "reading the own replica", read);
  return items[0]?.baseOffset !== offset;
}
