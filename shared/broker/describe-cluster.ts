import type { Broker } from "./broker.ts";
import { untilKnown } from "./until-known.ts";

export interface ClusterDescription {
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: readonly { readonly brokerId: number; readonly region: string }[];
}

const clusterIds = new WeakMap<Broker, string>();

/** The cluster and its brokers: a broker is a region. The id is made at first use and kept for good. */
export async function describeCluster(broker: Broker): Promise<ClusterDescription> {
  let clusterId = clusterIds.get(broker);
  if (clusterId === undefined) {
    // As Kafka's cluster ids: 16 random bytes in base64url, 22 characters.
    const candidate = Buffer.from(broker.random.bytes(16)).toString("base64url");
    clusterId = await untilKnown(broker, "reading the cluster id", () => broker.metadataStore.clusterId(candidate));
    clusterIds.set(broker, clusterId);
  }
  return {
    clusterId,
    controllerId: 1,
    brokers: broker.regions.map((region, index) => ({ brokerId: index + 1, region })),
  };
}
