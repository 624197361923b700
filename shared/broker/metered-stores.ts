import type { GroupStore } from "../group/group-store.ts";
import { KafkaError } from "../kafka/kafka-error.ts";
import type { CountName, Metrics } from "../runtime/metrics.ts";
import type { BrokerParts } from "./broker.ts";
import type { ReplicaStores } from "./replica-stores.ts";

type Stores = Pick<
  BrokerParts,
  "logStore" | "metadataStore" | "segmentStore" | "segmentRegistry" | "groupStore" | "instanceStore" | "replicas"
>;

/**
 * The stores, with what they answer counted: each operation that ended throttled, each object that was written or
 * read, each new assignment of a group. What an operation answers, and when, stays as it was.
 */
export function meteredStores(parts: Stores & { readonly metrics: Metrics }): Stores {
  const { metadataStore, segmentRegistry, metrics, replicas } = parts;
  const meteredReplica = ({ logStore, segmentStore, groupStore, instanceStore }: ReplicaStores): ReplicaStores => ({
    logStore: metered(logStore, metrics),
    segmentStore: metered(segmentStore, metrics, {
      putObject: "ObjectsWritten",
      putObjectInParts: "ObjectsWritten",
      getObject: "ObjectsRead",
    }),
    ...(groupStore === undefined ? {} : { groupStore: meteredGroups(groupStore, metrics) }),
    ...(instanceStore === undefined ? {} : { instanceStore: metered(instanceStore, metrics) }),
  });
  return {
    ...meteredReplica(parts),
    metadataStore: metered(metadataStore, metrics),
    ...(segmentRegistry === undefined ? {} : { segmentRegistry: metered(segmentRegistry, metrics) }),
    ...(replicas === undefined
      ? {}
      : { replicas: new Map([...replicas].map(([id, stores]) => [id, meteredReplica(stores)])) }),
  };
}

/** A rebalance is a write that gives a group another target assignment, or another generation. */
function meteredGroups(store: GroupStore, metrics: Metrics): GroupStore {
  const counted = metered(store, metrics);
  const write: GroupStore["write"] = async (groupId, writes) => {
    const isApplied = await counted.write(groupId, writes);
    const isRebalance = writes.some(
      (each) =>
        each.kind === "put-target" || (each.kind === "put-generation" && each.generation.assignments === undefined),
    );
    if (isApplied && isRebalance) metrics.count("GroupRebalances", 1);
    return isApplied;
  };
  return new Proxy(counted, { get: (target, name) => (name === "write" ? write : Reflect.get(target, name, target)) });
}

/** `counts`: what to count when an operation has succeeded. */
function metered<S extends object>(store: S, metrics: Metrics, counts: Partial<Record<keyof S, CountName>> = {}): S {
  const onFailure = (error: unknown) => {
    const isThrottle = error instanceof KafkaError && error.code === "THROTTLING_QUOTA_EXCEEDED";
    if (isThrottle) metrics.count("StoreThrottles", 1);
  };
  return new Proxy(store, {
    get(target, name) {
      const operation = Reflect.get(target, name, target) as unknown;
      if (typeof operation !== "function") return operation;
      const counted = counts[name as keyof S];
      return (...args: unknown[]) => {
        const answer = operation.apply(target, args) as Promise<unknown>;
        // Beside the answer, not before it: whoever waits for it waits no step longer.
        answer.then(() => counted && metrics.count(counted, 1), onFailure);
        return answer;
      };
    },
  });
}
