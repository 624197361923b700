/** A region's lease: one item a broker, replaced by its region alone as long as it is alive. */
import { type Attributes, numberOf, stringOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

export const LEASE_KIND = "lease";

export function leaseToAttributes(brokerId: number, expiresAt: number): Attributes {
  return { ...metadataKey(LEASE_KIND, String(brokerId)), expiresAt: { N: String(expiresAt) } };
}

export function attributesToLease(attributes: Attributes): [brokerId: number, expiresAt: number] {
  return [Number(stringOf(attributes, "name")), numberOf(attributes, "expiresAt")];
}
