import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey, checkObjectPrefix } from "../object-key.ts";

/** A bucket in memory, for the simulation and tests. Without timers; bytes are copied in and out. */
export class MemorySegmentStore implements SegmentStore {
  readonly #objects = new Map<string, { readonly bytes: Uint8Array; readonly modifiedAt: number }>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  async putObject(key: string, bytes: Uint8Array): Promise<void> {
    checkObjectKey(key);
    this.#objects.set(key, { bytes: Uint8Array.from(bytes), modifiedAt: this.#now() });
  }

  async putObjectInParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    checkObjectKey(key);
    const copies: Uint8Array[] = [];
    for await (const part of parts) copies.push(Uint8Array.from(part));
    this.#objects.set(key, { bytes: Buffer.concat(copies), modifiedAt: this.#now() });
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    const bytes = this.#objects.get(key)?.bytes;
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
      .map((key) => {
        const { bytes, modifiedAt } = this.#objects.get(key)!;
        return { key, sizeInBytes: bytes.length, modifiedAt };
      });
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkObjectKey(key);
    for (const key of keys) this.#objects.delete(key);
  }
}
