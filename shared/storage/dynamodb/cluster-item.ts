/** The cluster: one item, its id; written once, by whoever comes first. */
import { type Attributes, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

export const CLUSTER_KEY = metadataKey("cluster", "id");

export function clusterIdToAttributes(clusterId: string): Attributes {
  return { ...CLUSTER_KEY, value: { S: JSON.stringify(clusterId) } };
}

export function attributesToClusterId(attributes: Attributes): string {
  return JSON.parse(stringOf(attributes, "value")) as string;
}
