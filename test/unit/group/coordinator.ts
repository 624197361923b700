import { carryOut, type GroupParts } from "../../../shared/broker/groups/carry-out.ts";
import { classicHeartbeat } from "../../../shared/group/classic-heartbeat.ts";
import { awaitJoin, joinGroup } from "../../../shared/group/classic-join.ts";
import { leaveGroup } from "../../../shared/group/classic-leave.ts";
import type { JoinGroup, JoinGroupAnswer } from "../../../shared/group/classic-requests.ts";
import { syncGroup } from "../../../shared/group/classic-sync.ts";
import { consumerGroupHeartbeat } from "../../../shared/group/consumer-group-heartbeat.ts";
import type { ConsumerGroupHeartbeat, ConsumerGroupHeartbeatAnswer } from "../../../shared/group/consumer-heartbeat.ts";
import type { SubscribableTopic } from "../../../shared/group/decision.ts";
import { DEFAULT_GROUP_CONFIG, type GroupConfig } from "../../../shared/group/group-config.ts";
import type { GroupStore } from "../../../shared/group/group-store.ts";
import type { PartitionsByTopic } from "../../../shared/group/partitions-by-topic.ts";
import type { Result } from "../../../shared/kafka/result.ts";
import type { Clock } from "../../../shared/runtime/clock.ts";
import { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";

export const GROUP = "g";

/** A coordinator in memory with a clock that stands still until it is told to move. Ids are counted, not drawn. */
export class Coordinator {
  now = 1_000_000;
  readonly topics = new Map<string, SubscribableTopic>();
  readonly store: GroupStore;
  readonly parts: GroupParts;
  #ids = 0;

  /** `sleep`: of stores that take time. In memory nothing does, and nobody waits. */
  constructor(
    config: Partial<GroupConfig> = {},
    store: GroupStore = new MemoryGroupStore(),
    sleep: Clock["sleep"] = async () => {},
  ) {
    this.store = store;
    this.parts = {
      groupStore: store,
      clock: { now: () => this.now, sleep },
      random: {
        next: () => 0.5,
        bytes: (length) => {
          const bytes = new Uint8Array(length);
          new DataView(bytes.buffer).setUint32(0, ++this.#ids);
          return bytes;
        },
      },
      groupConfig: { ...DEFAULT_GROUP_CONFIG, ...config },
      topics: async (names, all) =>
        new Map([...this.topics].filter(([name]) => all || names.includes(name)).map(([name, topic]) => [name, topic])),
    };
  }

  /** A topic's id is its name in capitals. */
  topic(name: string, partitionCount: number, partitionRacks?: string[][]): void {
    const topicId = name.toUpperCase();
    this.topics.set(name, { topicId, name, partitionCount, ...(partitionRacks && { partitionRacks }) });
  }

  wait(ms: number): void {
    this.now += ms;
  }

  heartbeat(request: Partial<ConsumerGroupHeartbeat> & { memberId: string; memberEpoch: number }) {
    const whole = { groupId: GROUP, clientId: "client", clientHost: "host", ...request };
    return carryOut(this.parts, whole.groupId, whole.memberId, (view, context) =>
      consumerGroupHeartbeat(view, whole, context),
    );
  }
}

/** `orders 0,1,2` */
export function told(partitions: ConsumerGroupHeartbeatAnswer["assignment"]): string {
  if (partitions === undefined) return "as before";
  return partitions.map((each) => `${each.topic} ${each.partitions.join()}`).join(" ") || "nothing";
}

/** A consumer as KIP-848 has it: it revokes and takes what it is told, and says so with its next heartbeat. */
export class Consumer {
  readonly coordinator: Coordinator;
  readonly memberId: string;
  readonly request: Partial<ConsumerGroupHeartbeat>;
  memberEpoch = 0;
  owned: PartitionsByTopic = {};

  constructor(coordinator: Coordinator, memberId: string, request: Partial<ConsumerGroupHeartbeat>) {
    this.coordinator = coordinator;
    this.memberId = memberId;
    this.request = request;
  }

  /** `epoch 2: orders 0,1,2`, or the code of a refusal. */
  async says(change: Partial<ConsumerGroupHeartbeat> = {}): Promise<string> {
    const { memberId, memberEpoch } = this;
    const first = memberEpoch === 0 ? { rebalanceTimeoutMs: 60_000, ...this.request } : {};
    const { instanceId } = this.request;
    const result = await this.coordinator.heartbeat({
      memberId,
      memberEpoch,
      ...(instanceId === undefined ? {} : { instanceId }),
      topicPartitions: this.owned,
      ...first,
      ...change,
    });
    if (!result.ok) return result.refusal.code;
    const { assignment } = result.value;
    this.memberEpoch = result.value.memberEpoch;
    if (assignment !== undefined) {
      this.owned = Object.fromEntries(assignment.map(({ topicId, partitions }) => [topicId, partitions]));
    }
    return `epoch ${this.memberEpoch}: ${told(assignment)}`;
  }

  /** Gives up everything and begins again. */
  rejoins(): Promise<string> {
    this.memberEpoch = 0;
    this.owned = {};
    return this.says();
  }

  leaves(epoch = -1): Promise<string> {
    return this.says({ memberEpoch: epoch });
  }
}

/** A member of the classic protocol. Its protocols are of its own: the leader hands out texts. */
export class ClassicConsumer {
  readonly coordinator: Coordinator;
  readonly request: Partial<JoinGroup>;
  memberId = "";
  generationId = -1;
  #newIds = 0;
  #name: string;
  #awaited = 0;

  constructor(coordinator: Coordinator, name: string, request: Partial<JoinGroup> = {}) {
    this.coordinator = coordinator;
    this.#name = name;
    this.request = request;
  }

  /** `waiting`, `id NAME`, `generation 1 leader NAME: NAME NAME`, or the code of a refusal. */
  joins(change: Partial<JoinGroup> = {}): Promise<string> {
    const newMemberId = `${this.#name}${this.#newIds++ || ""}`;
    const request: JoinGroup = {
      groupId: GROUP,
      memberId: this.memberId,
      newMemberId,
      requiresKnownMemberId: true,
      protocolType: "consumer",
      protocols: [{ name: "range", metadata: Buffer.from(`${this.#name} wants`) }],
      sessionTimeoutMs: 10_000,
      rebalanceTimeoutMs: 60_000,
      clientId: "client",
      clientHost: "host",
      ...this.request,
      ...change,
    };
    const memberId = request.memberId === "" ? newMemberId : request.memberId;
    return this.#told(
      carryOut(this.coordinator.parts, GROUP, memberId, (view, context) => joinGroup(view, request, context)),
    );
  }

  awaits(): Promise<string> {
    const request = { ...this.#named(), awaitedGeneration: this.#awaited };
    return this.#told(
      carryOut(this.coordinator.parts, GROUP, this.memberId, (view, context) => awaitJoin(view, request, context)),
    );
  }

  /** Joins as a client does: with the id that it is given. */
  async enters(): Promise<string> {
    const first = await this.joins();
    return first.startsWith("id ") ? this.joins() : first;
  }

  /** `waiting`, what was assigned, or the code of a refusal. */
  async syncs(assignments: Readonly<Record<string, string>> = {}): Promise<string> {
    const request = {
      ...this.#named(),
      generationId: this.generationId,
      assignments: Object.entries(assignments).map(([memberId, text]) => ({ memberId, assignment: Buffer.from(text) })),
    };
    const { parts } = this.coordinator;
    const result = await carryOut(parts, GROUP, this.memberId, (view, context) => syncGroup(view, request, context));
    if (!result.ok) return result.refusal.code;
    return result.value.kind === "waiting" ? "waiting" : Buffer.from(result.value.assignment).toString();
  }

  async beats(generationId = this.generationId): Promise<string> {
    const request = { ...this.#named(), generationId };
    const { parts } = this.coordinator;
    const result = await carryOut(parts, GROUP, this.memberId, (view, context) =>
      classicHeartbeat(view, request, context),
    );
    if (!result.ok) return result.refusal.code;
    return result.value.isRebalancing ? "REBALANCE_IN_PROGRESS" : "alive";
  }

  async leaves(): Promise<string> {
    const { parts } = this.coordinator;
    const result = await carryOut(parts, GROUP, this.memberId, (view, context) =>
      leaveGroup(view, this.#named(), context),
    );
    return result.ok ? "left" : result.refusal.code;
  }

  #named() {
    const { instanceId } = this.request;
    return { groupId: GROUP, memberId: this.memberId, ...(instanceId === undefined ? {} : { instanceId }) };
  }

  async #told(asked: Promise<Result<JoinGroupAnswer>>): Promise<string> {
    const result = await asked;
    if (!result.ok) return result.refusal.code;
    const { value } = result;
    this.memberId = value.memberId;
    if (value.kind === "member-id-required") return `id ${value.memberId}`;
    if (value.kind === "waiting") {
      this.#awaited = value.awaitedGeneration;
      return "waiting";
    }
    this.generationId = value.generationId;
    const members = value.members.map(({ memberId }) => memberId).join(" ");
    const skip = value.skipAssignment ? " (nothing to assign)" : "";
    return `generation ${value.generationId} leader ${value.leaderId}${members === "" ? "" : `: ${members}`}${skip}`;
  }
}
