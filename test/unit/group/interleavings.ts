import { carryOut, type GroupParts } from "../../../shared/broker/groups/carry-out.ts";
import { commitOffsetsById } from "../../../shared/broker/groups/commit-offsets-by-id.ts";
import { consumerGroupHeartbeat } from "../../../shared/group/consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeat } from "../../../shared/group/consumer-heartbeat.ts";
import { DEFAULT_GROUP_CONFIG } from "../../../shared/group/group-config.ts";
import type { GroupStore } from "../../../shared/group/group-store.ts";
import { listPartitions, partitionKey } from "../../../shared/group/partitions-by-topic.ts";
import { KafkaError, type Refusal } from "../../../shared/kafka/kafka-error.ts";
import type { Result } from "../../../shared/kafka/result.ts";
import { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";
import { type Faults, faulty, NO_FAULTS } from "../../sim/faulty.ts";
import { Scheduler } from "../../sim/scheduler.ts";
import { Client, checkClient, checkEnd, checked, GROUP, TOPICS } from "./interleaved-clients.ts";

const CLIENTS = 5;
const ANSWER_MS = 3_000;
/** A store with one bug. */
export type PlantedBug = (store: GroupStore) => GroupStore;

export interface Outcome {
  readonly broken: readonly string[];
  readonly heartbeats: number;
  readonly commits: number;
  readonly fencedCommits: number;
  readonly finalOwners: number;
}

/**
 * Consumers of one group that join, call, commit, leave, freeze, crash and lose answers, over a store that fails in every way, with
 * requests that sleep for as long as they like. After each write: what a partition's item says of its owner is what the members' items say,
 * and a consumer that is in its member's epoch owns nothing that its member does not. Offsets never go back. In the end all is owned, and fairly.
 */
export async function interleave(seed: number, rounds: number, bug: PlantedBug = (store) => store): Promise<Outcome> {
  const scheduler = new Scheduler(seed);
  const weather: Faults = {
    fail: scheduler.random.next() * 0.08,
    throttle: scheduler.random.next() * 0.05,
    loseAnswer: scheduler.random.next() * 0.12,
    applyLate: scheduler.random.next() * 0.06,
    hang: scheduler.random.next() * 0.02,
    maxDelayMs: 1 + scheduler.integer(400),
  };
  let faults = weather;
  const broken: string[] = [];
  const counts = { heartbeats: 0, commits: 0, fencedCommits: 0 };
  const memory = new MemoryGroupStore();
  const clients: Client[] = [];
  const report = (what: string) => {
    if (broken.length < 5) broken.push(`${what} (at ${scheduler.now - 1_700_000_000_000} ms)`);
  };
  const checking = checked(bug(memory), memory, clients, report);
  const store = faulty(checking, scheduler, () => faults);
  const parts: GroupParts = {
    groupStore: store,
    clock: scheduler.clock(() => 0),
    random: scheduler.random,
    groupConfig: DEFAULT_GROUP_CONFIG,
    topics: async (names, all) => new Map([...TOPICS].filter(([name]) => all || names.includes(name))),
  };

  /** The answer, or undefined if it does not come in time; a request without a patient client goes on by itself. */
  async function ask<T>(request: Promise<Result<T>>): Promise<T | Refusal | undefined> {
    const nobody = scheduler.sleep(ANSWER_MS).then(() => undefined);
    const answered = request.then(
      (result) => (result.ok ? result.value : result.refusal),
      (error: unknown) => {
        if (error instanceof KafkaError) return undefined;
        report(`a request failed: ${error instanceof Error ? error.stack : error}`);
        return undefined;
      },
    );
    return Promise.race([answered, nobody]);
  }

  async function heartbeat(client: Client, change: Partial<ConsumerGroupHeartbeat> = {}): Promise<void> {
    counts.heartbeats++;
    const { memberId, memberEpoch, instanceId, owned } = client;
    const isFull = memberEpoch === 0 || client.isUnsure;
    const request: ConsumerGroupHeartbeat = {
      groupId: GROUP,
      memberId,
      memberEpoch,
      sequence: counts.heartbeats,
      clientId: "c",
      clientHost: "h",
      ...(instanceId === undefined ? {} : { instanceId }),
      ...(isFull ? { rebalanceTimeoutMs: 20_000, subscribedTopicNames: client.topics } : {}),
      // What has not changed need not be said.
      ...(isFull || scheduler.chance(0.6) ? { topicPartitions: owned } : {}),
      ...change,
    };
    client.isUnsure = true;
    // A request may wait before it is looked at.
    const delay = scheduler.chance(0.05) ? scheduler.integer(90_000) : 0;
    const answer = await ask(
      scheduler
        .sleep(delay)
        .then(() =>
          carryOut(parts, GROUP, memberId, (view, context) => consumerGroupHeartbeat(view, request, context)),
        ),
    );
    if (answer === undefined) return;
    if ("code" in answer) return client.isRefused(answer.code, scheduler);
    client.isUnsure = false;
    if (answer.memberEpoch < 0) return client.begin(client.memberId);
    client.memberEpoch = answer.memberEpoch;
    if (answer.assignment === undefined) return;
    const told = Object.fromEntries(answer.assignment.map(({ topicId, partitions }) => [topicId, partitions]));
    client.owned = told;
    checkClient(memory, client, report);
    for (const partition of listPartitions(told)) {
      const key = partitionKey(partition);
      if (client.positions.has(key)) continue;
      const [item] = await memory.readPartitions(GROUP, [partition]);
      client.positions.set(key, item?.committed?.offset ?? 0);
    }
    const keys = new Set(listPartitions(told).map(partitionKey));
    for (const key of client.positions.keys()) if (!keys.has(key)) client.positions.delete(key);
  }

  /** A consumer stops before it says so; whatever becomes of that, it begins anew. */
  async function leave(client: Client, memberEpoch: number): Promise<void> {
    client.owned = {};
    await heartbeat(client, { memberEpoch });
    client.begin(client.memberId);
  }

  async function commit(client: Client): Promise<void> {
    const offsets = listPartitions(client.owned).flatMap((partition) => {
      const position = client.positions.get(partitionKey(partition));
      if (position === undefined) return [];
      const offset = position + 1 + scheduler.integer(5);
      client.positions.set(partitionKey(partition), offset);
      return [{ ...partition, topic: partition.topicId.toLowerCase(), offset }];
    });
    if (offsets.length === 0) return;
    const { memberId, memberEpoch } = client;
    const answer = await ask(
      commitOffsetsById(parts, { groupId: GROUP, memberId, memberEpoch, receivedAt: scheduler.now, offsets }),
    );
    if (answer === undefined) return;
    counts.commits++;
    const refused = "code" in answer ? [answer] : answer.filter((each) => each !== undefined);
    if (refused.length > 0) counts.fencedCommits++;
  }

  async function live(client: Client): Promise<void> {
    await scheduler.sleep(scheduler.integer(20_000));
    for (let round = 0; round < rounds; round++) {
      const dice = scheduler.integer(100);
      if (dice < 3) await leave(client, client.instanceId !== undefined && dice === 0 ? -2 : -1);
      else if (dice < 6) await scheduler.sleep(40_000 + scheduler.integer(60_000));
      else if (dice < 8) client.begin(`${client.name}-${round}`);
      else if (dice < 10) client.topics = scheduler.chance(0.5) ? ["t", "u"] : ["t"];
      else if (dice < 35) await commit(client);
      else await heartbeat(client, dice < 45 ? { memberEpoch: client.memberEpoch } : {});
      await scheduler.sleep(scheduler.integer(6_000));
    }
  }

  for (let index = 0; index < CLIENTS; index++)
    clients.push(new Client(`m${index}`, index < 2 ? `i${index}` : undefined));
  await scheduler.run(Promise.all(clients.map(live)), 400_000);

  // All is well from now on, and everybody calls.
  faults = NO_FAULTS;
  await scheduler.run(scheduler.sleep(120_000), 400_000);
  for (const client of clients) client.topics = ["t", "u"];
  for (let round = 0; round < 40; round++) {
    for (const client of clients) {
      client.isUnsure ||= round === 0;
      await scheduler.run(heartbeat(client), 100_000);
      await scheduler.run(scheduler.sleep(1_000), 100_000);
    }
  }
  const owners = await checkEnd(memory, clients, report);
  return { broken, ...counts, finalOwners: owners };
}
