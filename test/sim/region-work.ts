import { Replicator } from "../../shared/broker/replicator.ts";
import { stayAlive } from "../../shared/broker/stay-alive.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import type { Member } from "./disturb.ts";
import type { Scheduler } from "./scheduler.ts";

export interface RegionTerms {
  readonly leaseMs: number;
  readonly replicaLagTimeMaxMs: number;
}

const CALL_MS = 15_000;

/**
 * What one region does for the deployment, by one process that may fall asleep or be killed as any other: keeps its lease, takes
 * over from regions that are gone, which it tells, and replicates. Until `isOver`.
 */
export async function regionWork(
  scheduler: Scheduler,
  { region, process }: Member,
  { leaseMs, replicaLagTimeMaxMs }: RegionTerms,
  isOver: () => boolean,
  tookOver: (partitions: number) => void,
): Promise<void> {
  const repeat = async (everyMs: number, run: () => Promise<unknown>) => {
    while (!isOver()) {
      try {
        await run();
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
      }
      await scheduler.sleep(scheduler.integer(everyMs));
    }
  };
  let replicator: { of: unknown; replicator: Replicator } | undefined;
  await Promise.all([
    repeat(1_000, async () => {
      const { broker } = process;
      const { elected } = await stayAlive(broker, region, { leaseMs, untilMs: broker.clock.now() + CALL_MS });
      tookOver(elected);
    }),
    repeat(4_000, () => {
      const { broker } = process;
      if (replicator?.of !== broker) {
        replicator = { of: broker, replicator: new Replicator(broker, region, replicaLagTimeMaxMs) };
      }
      return replicator.replicator.run(broker.clock.now() + CALL_MS);
    }),
  ]);
}
