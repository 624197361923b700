import type { GroupStore } from "../group/group-store.ts";
import type { LogStore } from "../log/log-store.ts";
import type { SegmentStore } from "../log/segment-store.ts";
import type { InstanceStore } from "./consumers/instance-store.ts";

/** The stores of one broker, which is a region. */
export interface ReplicaStores {
  readonly logStore: LogStore;
  readonly segmentStore: SegmentStore;
  /** Of the groups that have their home in the region. Absent: nobody asks this process for a group. */
  readonly groupStore?: GroupStore;
  /** Of those groups' REST consumer instances. Likewise. */
  readonly instanceStore?: InstanceStore;
}

/** Parts that reach every region: by broker id. Absent with one region. */
export interface Replicas {
  readonly replicas?: ReadonlyMap<number, ReplicaStores>;
}

/**
 * The same parts, on the stores of another broker: whoever acts for a leader acts on the leader's tables, wherever it runs.
 * Errors: throws for a broker that the deployment does not have.
 */
export function at<Parts extends ReplicaStores & Replicas>(parts: Parts, brokerId: number): Parts {
  if (parts.replicas === undefined) return parts;
  const stores = parts.replicas.get(brokerId);
  if (stores === undefined) throw new Error(`there is no broker ${brokerId}`);
  return { ...parts, ...stores };
}
