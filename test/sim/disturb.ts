import type { BrokerParts } from "../../shared/broker/broker.ts";
import { growInSyncReplicas, shrinkInSyncReplicas } from "../../shared/broker/change-in-sync-replicas.ts";
import { readRegistration } from "../../shared/broker/change-partition.ts";
import { electAnyLeader } from "../../shared/broker/elect-any-leader.ts";
import { electLeader } from "../../shared/broker/elect-leader.ts";
import { Replicator } from "../../shared/broker/replicator.ts";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import type { Network } from "./network.ts";
import type { ReplicationBug } from "./replicated.ts";
import type { Scheduler } from "./scheduler.ts";
import type { Process } from "./simulation.ts";

/** A process, and the region it runs in. */
export interface Member {
  readonly region: number;
  readonly process: Process;
}

export interface Disturbance {
  readonly scheduler: Scheduler;
  readonly network: Network;
  readonly some: () => Member;
  readonly topicId: string;
  readonly regions: readonly number[];
  readonly bug: ReplicationBug;
  /** The topic allows unclean elections. */
  readonly isUncleanAllowed: boolean;
}

/** What has to come in a row to do harm, or to end it, comes more often; 1 where nothing is said. */
const LIKELIHOOD: Readonly<Record<string, number>> = {
  back: 3,
  elect: 2,
  shrink: 2,
  grow: 2,
  growAndDoze: 2,
  electUncleanly: 2,
};

/** Something goes wrong, or somebody changes the leader or the in-sync set: all of it is safe at any time. */
export async function disturb(disturbance: Disturbance): Promise<void> {
  const { scheduler, network, some, topicId, regions, bug, isUncleanAllowed } = disturbance;
  const region = regions[scheduler.integer(regions.length)]!;
  const member = some();
  const { process } = member;
  const parts = process.broker;
  const acts: Record<string, () => Promise<unknown> | unknown> = {
    restart: () => process.restart(),
    pause: () => {
      process.pausedUntil = scheduler.now + scheduler.integer(40_000);
    },
    nap: () => {
      process.pausedUntil = scheduler.now + scheduler.integer(3_000);
    },
    crash: () => network.down.add(region),
    back: () => network.heal(),
    cut: () => network.cut.add(`${region}-${scheduler.integer(regions.length + 1)}`),
    elect: () => electLeader(parts, { topicId, partition: 0, leader: region }),
    move: () => electLeader(parts, { topicId, partition: 0, except: [region] }),
    // The epoch begins when somebody appends: whoever was elected never came to it.
    electAndDie: async () => {
      const die = async () => {
        await scheduler.sleep(scheduler.integer(200));
        process.pausedUntil = scheduler.now + scheduler.integer(10_000);
      };
      await Promise.all([electLeader(parts, { topicId, partition: 0, leader: region }), die()]);
    },
    shrink: async () => {
      const registration = await readRegistration(parts, topicId, 0);
      if (registration !== undefined) await shrinkInSyncReplicas(parts, registration, region);
    },
    grow: () => grow(parts, topicId, region, bug),
    growAndDoze: async () => {
      const doze = async () => {
        await scheduler.sleep(scheduler.integer(2_000));
        process.pausedUntil = scheduler.now + scheduler.integer(8_000);
      };
      await Promise.all([grow(parts, topicId, region, bug), doze()]);
    },
    // Whoever is cut off from all in sync takes them for gone, and is wrong about it at times.
    electUncleanly: async () => {
      const registration = await readRegistration(parts, topicId, 0);
      if (registration === undefined || !isUncleanAllowed) return;
      const isGone = async (_: unknown, id: number) => !network.reaches(member.region, id) || scheduler.chance(0.5);
      await electAnyLeader(parts, { registration, isUncleanAllowed, reach: { isGone } });
    },
    replicate: () => new Replicator(process.broker, member.region).run(),
  };
  const times = (name: string) => (name === "electUncleanly" && !isUncleanAllowed ? 0 : (LIKELIHOOD[name] ?? 1));
  const names = Object.keys(acts).flatMap((name) => Array.from({ length: times(name) }, () => name));
  const name = names[scheduler.integer(names.length)]!;
  scheduler.note(`chaos ${name} ${region}`);
  try {
    await acts[name]!();
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
  }
}

async function grow(parts: BrokerParts, topicId: string, region: number, bug: ReplicationBug): Promise<void> {
  const registration = await readRegistration(parts, topicId, 0);
  if (registration === undefined) return;
  const metadataStore = bug.joinersMetadataStore?.(parts.metadataStore) ?? parts.metadataStore;
  await growInSyncReplicas({ ...parts, metadataStore }, registration, region, 20_000);
}
