import type { ConsumerInstance, InstanceName } from "../../broker/consumers/instance.ts";
import type { InstancePut, InstanceStore } from "../../broker/consumers/instance-store.ts";

/** Consumer instances in memory, for the simulation and tests. Linearizable, without timers; what goes in and out is copied. */
export class MemoryInstanceStore implements InstanceStore {
  readonly #instances = new Map<string, ConsumerInstance>();

  async readInstance(name: InstanceName): Promise<ConsumerInstance | undefined> {
    return structuredClone(this.#instances.get(keyOf(name)));
  }

  async putInstance(instance: ConsumerInstance, before: string | undefined): Promise<InstancePut> {
    const found = this.#instances.get(keyOf(instance));
    const newest = found?.revisions[0];
    if (newest !== before && newest !== instance.revisions[0])
      return { kind: "refused", found: structuredClone(found) };
    this.#instances.set(keyOf(instance), structuredClone(instance));
    return { kind: "put" };
  }

  async extendInstance(
    name: InstanceName,
    { memberId, expiresAt }: { readonly memberId: string; readonly expiresAt: number },
  ): Promise<boolean> {
    const found = this.#instances.get(keyOf(name));
    if (found?.memberId !== memberId || found.expiresAt >= expiresAt) return false;
    this.#instances.set(keyOf(name), { ...found, expiresAt });
    return true;
  }

  async deleteInstance(name: InstanceName, memberId: string): Promise<boolean> {
    if (this.#instances.get(keyOf(name))?.memberId !== memberId) return false;
    return this.#instances.delete(keyOf(name));
  }

  async deleteExpiredInstances(now: number, maxItems: number): Promise<number> {
    let deleted = 0;
    for (const [key, { expiresAt }] of this.#instances) {
      if (deleted === maxItems) break;
      if (expiresAt >= now) continue;
      this.#instances.delete(key);
      deleted++;
    }
    return deleted;
  }
}

function keyOf({ groupId, instanceId }: InstanceName): string {
  return JSON.stringify([groupId, instanceId]);
}
