import { randomUUID } from "node:crypto";
import type { Dirent } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey, checkObjectPrefix } from "../object-key.ts";
import { stored } from "../storage-error.ts";

/** No object key ends like this: a file that is still being written. */
const TEMPORARY = "~";

/** A temporary file older than this is a crash's: no write takes so long. */
const LEFTOVER_AGE_MS = 5 * 60 * 1000;

/**
 * A folder in the place of a bucket: an object is a file, written beside its place, synced, and renamed into it. What a
 * crash left half written is no object, and goes when its folder is listed. Folders stay when they are empty.
 */
export class FileSegmentStore implements SegmentStore {
  readonly #root: string;

  constructor(root: string) {
    this.#root = resolve(root);
  }

  putObject(key: string, bytes: Uint8Array): Promise<void> {
    return this.putObjectInParts(key, [bytes]);
  }

  async putObjectInParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    const path = this.#path(key);
    let failure: { readonly error: unknown } | undefined;
    // What the parts fail with is no failure of the store's.
    async function* told() {
      try {
        yield* parts;
      } catch (error) {
        failure = { error };
        throw error;
      }
    }
    try {
      await stored("writing an object", () => this.#write(path, told()));
    } catch (error) {
      throw failure === undefined ? error : failure.error;
    }
  }

  async #write(path: string, parts: AsyncIterable<Uint8Array>): Promise<void> {
    const temporary = `${path}.${randomUUID()}${TEMPORARY}`;
    const made = await mkdir(dirname(path), { recursive: true });
    try {
      const file = await open(temporary, "wx");
      try {
        for await (const part of parts) await file.writeFile(part);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(temporary, path);
    } catch (error) {
      await rm(temporary, { force: true });
      throw error;
    }
    await this.#syncFolders(dirname(path), made);
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    const path = this.#path(key);
    return stored("reading an object", async () => {
      try {
        const file = await open(path, "r");
        try {
          const { size } = await file.stat();
          const start = Math.min(range?.start ?? 0, size);
          const bytes = new Uint8Array(Math.max(0, Math.min(range?.end ?? size, size) - start));
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
    checkObjectPrefix(prefix);
    return stored("listing objects", async () => {
      const folder = join(this.#root, prefix.slice(0, prefix.lastIndexOf("/") + 1));
      const entries = (await entriesBelow(folder)).filter((entry) => entry.isFile());
      const paths = entries.map((entry) => join(entry.parentPath, entry.name));
      await removeLeftovers(paths.filter((path) => path.endsWith(TEMPORARY)));
      const keys = paths
        .filter((path) => !path.endsWith(TEMPORARY))
        .map((path) => relative(this.#root, path))
        .filter((key) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort();
      return this.#sizes(keys, maxKeys);
    });
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    const paths = keys.map((key) => this.#path(key));
    await stored("deleting objects", () => Promise.all(paths.map((path) => rm(path, { force: true }))));
  }

  /** The first `maxKeys` objects of those keys that are still there. */
  async #sizes(keys: readonly string[], maxKeys: number): Promise<StoredObject[]> {
    const objects: StoredObject[] = [];
    for (let at = 0; at < keys.length && objects.length < maxKeys; at += maxKeys) {
      const sizes = keys.slice(at, at + maxKeys).map(async (key) => ({ key, file: await statOf(this.#path(key)) }));
      for (const { key, file } of await Promise.all(sizes)) {
        if (file !== undefined && objects.length < maxKeys) {
          objects.push({ key, sizeInBytes: file.size, modifiedAt: file.mtimeMs });
        }
      }
    }
    return objects;
  }

  /** A name is durable only when its folder is: syncs those up to the root, and the one above the first that was made. */
  async #syncFolders(folder: string, made: string | undefined): Promise<void> {
    const isRootNew = made !== undefined && made.length <= this.#root.length;
    const highest = isRootNew ? dirname(made) : this.#root;
    for (let at = folder; at.length >= highest.length; at = dirname(at)) {
      await syncFolder(at);
      if (at === dirname(at)) return;
    }
  }

  #path(key: string): string {
    checkObjectKey(key);
    return join(this.#root, key);
  }
}

async function entriesBelow(folder: string): Promise<Dirent[]> {
  try {
    return await readdir(folder, { recursive: true, withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function removeLeftovers(paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const file = await statOf(path);
    if (file !== undefined && Date.now() - file.mtimeMs > LEFTOVER_AGE_MS) await rm(path, { force: true });
  }
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
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

/** Nothing there, or a folder on the way is a file, or the key is a folder's: in a bucket there would be no object. */
function isMissing(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "EISDIR"].includes((error as NodeJS.ErrnoException).code ?? "");
}
