import type { ConsumerInstance, InstanceName } from "./instance.ts";

/** `refused`: the item is not what it was taken for; `found`: what it is instead. */
export type InstancePut =
  | { readonly kind: "put" }
  | { readonly kind: "refused"; readonly found: ConsumerInstance | undefined };

/**
 * The port to the REST consumer instances of a region's groups: linearizable items, one an instance, which the store removes some time after
 * they have expired. It stores and never decides: whoever reads judges expiry. Every operation is bounded in time.
 *
 * Errors: `KafkaError` KAFKA_STORAGE_ERROR or THROTTLING_QUOTA_EXCEEDED; on writes `outcome` says whether it may have been applied.
 * A write may be repeated: one that was applied is answered as if it were now, as long as nobody has written since.
 */
export interface InstanceStore {
  /** The instance as it was last written, expired or not. Strongly consistent. */
  readInstance(name: InstanceName): Promise<ConsumerInstance | undefined>;
  /** Writes it whole, if the newest revision there is `before` (undefined: if there is none), or this very one. */
  putInstance(instance: ConsumerInstance, before: string | undefined): Promise<InstancePut>;
  /** Puts its end off, whatever its revision. False: the instance of that memberId is gone, or ends later already. */
  extendInstance(
    name: InstanceName,
    extension: { readonly memberId: string; readonly expiresAt: number },
  ): Promise<boolean>;
  /** Removes the instance of that memberId, whatever its revision. False: it is gone. */
  deleteInstance(name: InstanceName, memberId: string): Promise<boolean>;
  /** Removes up to `maxItems` that ended before `now`, milliseconds since the epoch; answers how many: for stores that have no TTL of their own. */
  deleteExpiredInstances(now: number, maxItems: number): Promise<number>;
}
