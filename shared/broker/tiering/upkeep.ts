import { KafkaError } from "../../kafka/kafka-error.ts";
import { type LogKey, logKey } from "../../log/log-item.ts";
import { retentionTerms } from "../../log/retention-terms.ts";
import type { TieringState } from "../../log/segment/tiering-state.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import type { Broker } from "../broker.ts";
import { listAllTopics, withPartitions } from "../list-topics.ts";
import { untilKnown } from "../until-known.ts";
import { canKeepLogs, ownBrokerId, type UpkeepBroker } from "./upkeep-log.ts";
import { type PartitionToKeep, type PartitionUpkeep, upkeepPartition } from "./upkeep-partition.ts";

/** Each copy holds up to some 50 MiB, and a compaction its map besides. */
const PARTITIONS_AT_ONCE = 4;
const TOPICS_AT_ONCE = 16;

export interface UpkeepOptions {
  /** When the run is to be over, in milliseconds since the epoch; it takes up to a minute longer where a store hangs. */
  readonly untilMs: number;
  /** Partitions that were all looked after so short a time ago are left out: somebody else was just here. */
  readonly unlessWithinMs?: number;
  /** Of all logs only this one. */
  readonly log?: LogKey | undefined;
}

/** What one run did, over all partitions. */
export interface Upkeep {
  readonly partitions: number;
  readonly segmentsTiered: number;
  readonly bytesTiered: number;
  readonly segmentsCompacted: number;
  readonly segmentsDeleted: number;
  readonly itemsRescued: number;
  /** Partitions that failed, and that there was no time for, or not all of it: the next run's. */
  readonly failed: number;
  readonly left: number;
  /** Something will be due though nobody appends: a run must come again by a clock. */
  readonly needsClock: boolean;
}

interface Task extends PartitionToKeep {
  readonly caughtUpAt: number;
  /** Nothing was due when it was last looked after, whenever that was. */
  readonly isIdle: boolean;
}

const NOTHING: Upkeep = {
  partitions: 0,
  segmentsTiered: 0,
  bytesTiered: 0,
  segmentsCompacted: 0,
  segmentsDeleted: 0,
  itemsRescued: 0,
  failed: 0,
  left: 0,
  needsClock: false,
};

/**
 * The upkeep of all logs that this region leads, or of one: those first for which it was longest ago, so that what there is no time for has its turn in
 * the next run. Safe to run twice at once, and to be killed anywhere. Tells how far tiering is behind. Errors: what the metadata fail
 * with; one partition's failure is noted, and is nobody else's.
 */
export async function upkeepLogs(broker: Broker, options: UpkeepOptions): Promise<Upkeep> {
  if (!canKeepLogs(broker)) return NOTHING;
  const { clock, metrics } = broker;
  const tasks = await tasksOf(broker, options.log);
  const now = clock.now();
  const due = tasks.filter(({ caughtUpAt }) => now - caughtUpAt >= (options.unlessWithinMs ?? 0));
  due.sort((one, other) => one.caughtUpAt - other.caughtUpAt);
  const run = {
    ...NOTHING,
    partitions: tasks.length,
    needsClock: due.length < tasks.length || options.log !== undefined,
  };
  let lagMs = 0;
  await sideBySide(due, PARTITIONS_AT_ONCE, async (task) => {
    const lag = () => Math.max(0, clock.now() - task.caughtUpAt);
    if (clock.now() >= options.untilMs) {
      run.left++;
      run.needsClock = true;
      // One that was never looked at, or is idle, is behind by nothing that anybody could tell.
      if (task.caughtUpAt > 0 && !task.isIdle) lagMs = Math.max(lagMs, lag());
      return;
    }
    try {
      const done = await upkeepPartition(broker, task, options.untilMs);
      add(run, done);
      lagMs = Math.max(lagMs, done.lagMs);
      if (done.failure !== undefined) throw done.failure;
    } catch (error) {
      run.failed++;
      run.needsClock = true;
      if (task.caughtUpAt > 0) lagMs = Math.max(lagMs, lag());
      tellFailure(broker, task, error);
    }
  });
  metrics.gauge("TieringLag", lagMs);
  metrics.count("SegmentsTiered", run.segmentsTiered);
  metrics.count("BytesTiered", run.bytesTiered);
  return run;
}

/** A store that fails in passing is the next run's matter, and the lag's, which has an alarm. */
function tellFailure({ logger }: Broker, { registration }: Task, error: unknown): void {
  const log = logKey(registration.topicId, registration.partition);
  if (error instanceof KafkaError)
    logger.warn("the upkeep of a log failed, in part or as a whole", { log, code: error.code }, error);
  else logger.error("the upkeep of a log failed, in part or as a whole", { log }, error);
}

function add(run: { -readonly [Name in keyof Upkeep]: Upkeep[Name] }, done: PartitionUpkeep): void {
  run.segmentsTiered += done.segmentsTiered;
  run.bytesTiered += done.bytesTiered;
  run.segmentsCompacted += done.segmentsCompacted;
  run.segmentsDeleted += done.segmentsDeleted;
  run.itemsRescued += done.itemsRescued;
  if (done.isLeft) run.left++;
  run.needsClock ||= done.needsClock;
}

/** The partitions that this region leads, all or one, and when each was last caught up; 0: never. */
async function tasksOf(broker: UpkeepBroker, only: LogKey | undefined): Promise<Task[]> {
  const tasks: Task[] = [];
  const own = ownBrokerId(broker);
  const topics = (await listAllTopics(broker)).filter(({ topicId }) => only?.startsWith(`${topicId}#`) ?? true);
  await sideBySide(topics, TOPICS_AT_ONCE, async (topic) => {
    const { topicId } = topic;
    const readStates = () => broker.segmentRegistry.readTieringStates(topicId);
    const [{ partitions }, states] = await Promise.all([
      withPartitions(broker, topic),
      untilKnown(broker, "reading tiering states", readStates),
    ]);
    const byLog = new Map(states.map((state): [string, TieringState] => [state.log, state]));
    const terms = retentionTerms(topic.configs);
    for (const registration of partitions) {
      if (registration.leader !== own || registration.isEnded) continue;
      const log = logKey(topicId, registration.partition);
      if (only !== undefined && log !== only) continue;
      const { caughtUpAt = 0, idleSince } = byLog.get(log) ?? {};
      tasks.push({ topicName: topic.name, registration, terms, caughtUpAt, isIdle: idleSince !== undefined });
    }
  });
  return tasks;
}
