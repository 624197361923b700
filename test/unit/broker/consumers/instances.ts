import type { Broker, BrokerParts } from "../../../../shared/broker/broker.ts";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import type { InstanceConfig } from "../../../../shared/broker/consumers/instance.ts";
import type { InstanceStore } from "../../../../shared/broker/consumers/instance-store.ts";
import { type PollInstance, pollInstance } from "../../../../shared/broker/consumers/poll-instance.ts";
import { subscribe } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { fetchOffsets } from "../../../../shared/broker/groups/fetch-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import type { GroupStore } from "../../../../shared/group/group-store.ts";
import { v2RecordList } from "../../../../shared/http/routes/v2-consumer-record-list.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../../shared/storage/memory/memory-instance-store.ts";
import { memoryParts } from "../../../fixtures/broker.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";

export const G = "g";
const CONFIG: InstanceConfig = {
  format: "binary",
  autoOffsetReset: "earliest",
  autoCommit: false,
  minBytes: 1,
  clientHost: "/",
};

/** Two processes over the same stores, in virtual time. */
export interface Processes {
  readonly one: Broker;
  readonly two: Broker;
  readonly store: InstanceStore;
  wait(ms: number): Promise<void>;
  /** Creates an instance that is subscribed to the topic "t". */
  subscribed(instanceId: string, config?: Partial<InstanceConfig>): Promise<void>;
  /** The next read of an instance, by a process: `partition@offset` of each record, or the refusal's reason or code. */
  read(broker: Broker, instanceId: string, request?: Partial<PollInstance>): Promise<string[] | string>;
  /** What the group has committed, as `partition@offset`. */
  committed(): Promise<string[]>;
}

export function withProcesses(
  test: (processes: Processes) => Promise<void>,
  change: Partial<BrokerParts> & {
    faulty?: (store: InstanceStore) => InstanceStore;
    shared?: InstanceStore;
    /** The group store as the first process has it. */
    slow?: (store: GroupStore) => GroupStore;
  } = {},
): () => Promise<void> {
  const {
    faulty = (store: InstanceStore) => store,
    shared: given,
    slow = (store: GroupStore) => store,
    ...parts
  } = change;
  return () =>
    inVirtualTime(async (clock) => {
      const store = given ?? new MemoryInstanceStore();
      const groupStore = parts.groupStore ?? new MemoryGroupStore();
      const shared = memoryParts({ clock, ...parts });
      const one = openBroker({ ...shared, groupStore: slow(groupStore), instanceStore: faulty(store) });
      const two = openBroker({ ...shared, groupStore, instanceStore: store });
      await test({
        one,
        two,
        store,
        wait: (ms) => clock.sleep(ms),
        subscribed: async (instanceId, config = {}) => {
          const created = await createInstance(two, { ...CONFIG, ...config, groupId: G, instanceId });
          if (!created.ok) throw new Error(created.refusal.message);
          await subscribe(two, { groupId: G, instanceId }, { kind: "topics", topics: ["t"] });
        },
        read,
        committed: () => committedBy(two),
      });
    });
}

async function read(broker: Broker, instanceId: string, request: Partial<PollInstance> = {}) {
  const polled = await pollInstance(
    broker,
    { groupId: G, instanceId, formats: ["binary"], maxBytes: 1 << 20, ...request },
    (found, format) => v2RecordList(found, format, request.maxBytes ?? 1 << 20),
  );
  if (!polled.ok) return polled.refusal.reason ?? polled.refusal.code;
  return polled.value.texts.map((text) => {
    const { partition, offset } = JSON.parse(text) as { partition: number; offset: number };
    return `${partition}@${offset}`;
  });
}

async function committedBy(broker: Broker): Promise<string[]> {
  const fetched = await fetchOffsets(broker, { groupId: G });
  if (!fetched.ok) throw new Error(fetched.refusal.message);
  return fetched.value.flatMap((each) => (each.ok ? [`${each.value.partition}@${each.value.offset}`] : []));
}

/** How a write goes wrong: `lost`: applied, and no answer; `failed`: not applied, and the answer says that nobody knows. */
export type Fault = "lost" | "failed" | undefined;

/** A store whose writes go as `next` says, one after the other; `meanwhile` happens behind a write that was applied, before its answer. */
export function faultyStore(
  store: InstanceStore,
  next: () => Fault,
  meanwhile: () => Promise<unknown> = async () => {},
): InstanceStore {
  const broken = () => new KafkaError("KAFKA_STORAGE_ERROR", "the line is dead", { outcome: "unknown" });
  const write = async <T>(operation: () => Promise<T>): Promise<T> => {
    const fault = next();
    if (fault === "failed") throw broken();
    const answer = await operation();
    if (fault === undefined) return answer;
    await meanwhile();
    throw broken();
  };
  return {
    readInstance: (name) => store.readInstance(name),
    putInstance: (instance, before) => write(() => store.putInstance(instance, before)),
    extendInstance: (name, extension) => write(() => store.extendInstance(name, extension)),
    deleteInstance: (name, memberId) => write(() => store.deleteInstance(name, memberId)),
    deleteExpiredInstances: (now, maxItems) => store.deleteExpiredInstances(now, maxItems),
  };
}

/** A store whose operations of one name wait while the gate is closed. */
export function gated<S extends object>(store: S, name: keyof S): { readonly store: S; close(): () => void } {
  let gate: Promise<void> | undefined;
  return {
    store: new Proxy(store, {
      get(target, property) {
        const operation = Reflect.get(target, property, target) as unknown;
        if (typeof operation !== "function") return operation;
        return async (...args: unknown[]) => {
          if (property === name) await gate;
          return operation.apply(target, args) as unknown;
        };
      },
    }),
    close: () => {
      let open = () => {};
      gate = new Promise<void>((resolve) => {
        open = () => {
          gate = undefined;
          resolve();
        };
      });
      return open;
    },
  };
}
