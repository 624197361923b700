import { KafkaError } from "../kafka/kafka-error.ts";
import type { LogKey } from "../log/log-item.ts";
import type { Broker } from "./broker.ts";
import { isFenced } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";
import { isReplicated } from "./partition-view.ts";
import { type LogRead, logEndOffsetAtLeast } from "./read-log.ts";
import { isEndHere } from "./read-own-replica.ts";
import { at } from "./replica-stores.ts";

/** Who reads far below the log's end need not know it to the second: looking costs more than the request that reads a MiB. */
const HINT_MS = 10_000;

/**
 * The highWatermark for who reads below `reached`, all of which is committed: what this process knows of it, or else by a look. While
 * the leader does not answer it is told of what is known.
 */
export async function highWatermarkOf(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  reached: number,
): Promise<number> {
  if (!isReplicated(registration)) {
    const leader = at(broker, registration.leader);
    return logEndOffsetAtLeast(leader, log, registration.logStartOffset, reached, HINT_MS);
  }
  const known = broker.committed.known(log, registration);
  if (known !== undefined && known.logEndOffset > reached) return known.logEndOffset;
  return lookFrom(broker, log, registration, reached);
}

/**
 * A read of a replicated log by what this process knows: where it ends with that, which may be of long ago, the highWatermark is asked for, so that no
 * consumer takes for the log's end what was it once. This region's own table may tell, if it is in sync; else it takes a look.
 */
export async function withHighWatermark(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  read: LogRead,
): Promise<LogRead> {
  if (read.kind !== "items") return read;
  const reached = read.items.at(-1)!.lastOffset + 1;
  if (reached < read.logEndOffset || (await isEndHere(broker, log, registration, reached).catch(() => false)))
    return read;
  return { ...read, logEndOffset: await lookFrom(broker, log, registration, reached) };
}

async function lookFrom(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  reached: number,
): Promise<number> {
  try {
    const { committed } = await broker.committed.look(log, registration);
    return Math.max(reached, committed.logEndOffset);
  } catch (error) {
    if (!(error instanceof KafkaError) || isFenced(error)) throw error;
    broker.logger.warn("the leader does not answer: the highWatermark is told as far as it is known", { log }, error);
    return reached;
  }
}
