import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey, checkObjectPrefix } from "../object-key.ts";

/** A bucket in memory, for the simulation and tests. Without timers; bytes are copied in and out. */
export class MemorySegmentStore implements SegmentStore {
  readonly #objects = new Map<string, Uint8Array>();

  async putObject(key: string, bytes: Uint8Array): Promise<void> {
    checkObjectKey(key);
    this.#objects.set(key, Uint8Array.from(bytes));
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    const bytes = this.#objects.get(key);
    return bytes === undefined ? undefined : Uint8Array.from(bytes.subarray(range?.start ?? 0, range?.end));
  }

  async listObjects(prefix: string, { maxKeys, after }: { maxKeys: number; after?: string }): Promise<StoredObject[]> {
    checkObjectPrefix(prefix);
    const keys = [...this.#objects.keys()].filter(
      (key) => key.startsWith(prefix) && (after === undefined || key > after),
    );
    return keys
      .sort()
      .slice(0, maxKeys)
      .map((key) => ({ key, sizeInBytes: this.#objects.get(key)!.length }));
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkObjectKey(key);
    for (const key of keys) this.#objects.delete(key);
  }
}
