import { randomUUID } from "node:crypto";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey } from "../object-key.ts";
import { stored } from "../storage-error.ts";

/** No object key ends like this: a file that is still being written. */
const TEMPORARY = "~";

/** A folder in the place of a bucket: an object is a file, written beside its place, synced, and renamed into it. */
export class FileSegmentStore implements SegmentStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async putObject(key: string, bytes: Uint8Array): Promise<void> {
    const path = this.#path(key);
    const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
    await stored("writing an object", async () => {
      await this.#makeFolder(dirname(path));
      try {
        const file = await open(temporary, "wx");
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
      await syncFolder(dirname(path));
    });
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    return stored("reading an object", async () => {
      try {
        const file = await open(path, "r");
        try {
          const { size } = await file.stat();
          const start = Math.min(range?.start ?? 0, size);
          const bytes = new Uint8Array(Math.min(range?.end ?? size, size) - start);
          const { bytesRead } = await file.read(bytes, 0, bytes.length, start);
          return bytes.subarray(0, bytesRead);
        } finally {
          await file.close();
        }
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    });
  }

  async listObjects(prefix: string, { maxKeys, after }: { maxKeys: number; after?: string }): Promise<StoredObject[]> {
    return stored("listing objects", async () => {
      const folder = prefix.slice(0, prefix.lastIndexOf("/") + 1);
      const keys = (await this.#filesBelow(folder))
        .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort()
        .slice(0, maxKeys);
      return Promise.all(keys.map(async (key) => ({ key, sizeInBytes: (await stat(this.#path(key))).size })));
    });
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    await stored("deleting objects", () => Promise.all(keys.map((key) => rm(this.#path(key), { force: true }))));
  }

  async #filesBelow(folder: string): Promise<string[]> {
    try {
      const entries = await readdir(join(this.#root, folder), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && !entry.name.endsWith(TEMPORARY));
      return files.map((entry) => join(entry.parentPath, entry.name).slice(this.#root.length + 1));
    } catch (error) {
      if (isMissing(error)) return [];
      throw error;
    }
  }

  /** Makes a folder and syncs those above it, up to the root: a new name is durable only when its folder is. */
  async #makeFolder(folder: string): Promise<void> {
    const first = await mkdir(folder, { recursive: true });
    if (first === undefined) return;
    for (let above = dirname(folder); above.length >= dirname(first).length; above = dirname(above)) {
      await syncFolder(above);
      if (above === dirname(above)) return;
    }
  }

  #path(key: string): string {
    checkObjectKey(key);
    return join(this.#root, key);
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "ENOENT";
}
