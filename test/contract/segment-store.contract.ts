import { describe, expect, it } from "vitest";
import type { SegmentStore } from "../../shared/log/segment-store.ts";

/** What every segment store does. */
export function segmentStoreContract(name: string, open: () => SegmentStore): void {
  describe(`the segment store on ${name}`, () => {
    const folder = () => `contract/${crypto.randomUUID()}`;
    const text = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString();

    it("gives back an object as it was put", async () => {
      const [store, key] = [open(), `${folder()}/a.batches`];
      const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => index % 256));
      await store.putObject(key, bytes);
      expect(Buffer.compare((await store.getObject(key))!, bytes)).toBe(0);
    });

    it("gives back part of an object, and no more than there is", async () => {
      const [store, key] = [open(), `${folder()}/a`];
      await store.putObject(key, Buffer.from("0123456789"));
      const range = async (start: number, end: number) => text(await store.getObject(key, { start, end }));
      expect(await range(2, 5)).toBe("234");
      expect(await range(7, 100)).toBe("789");
      expect(await range(10, 20)).toBe("");
      expect(await range(3, 3)).toBe("");
    });

    it("has no object that was not put", async () => {
      expect(await open().getObject(`${folder()}/missing`)).toBeUndefined();
      expect(await open().getObject(`${folder()}/missing`, { start: 0, end: 1 })).toBeUndefined();
    });

    it("replaces an object of the same key", async () => {
      const [store, key] = [open(), `${folder()}/a`];
      await store.putObject(key, Buffer.from("long before"));
      await store.putObject(key, Buffer.from("after"));
      expect(text(await store.getObject(key))).toBe("after");
    });

    it("lists a prefix in order of key, page by page", async () => {
      const [store, prefix] = [open(), folder()];
      for (const key of ["b/2", "a", "b/10", "c.d"]) await store.putObject(`${prefix}/${key}`, Buffer.from(key));
      await store.putObject(`${prefix}-other`, Buffer.from("x"));
      const first = await store.listObjects(`${prefix}/`, { maxKeys: 3 });
      expect(first.map(({ key }) => key.slice(prefix.length + 1))).toEqual(["a", "b/10", "b/2"]);
      expect(first.map(({ sizeInBytes }) => sizeInBytes)).toEqual([1, 4, 3]);
      const rest = await store.listObjects(`${prefix}/`, { maxKeys: 3, after: first.at(-1)!.key });
      expect(rest.map(({ key }) => key.slice(prefix.length + 1))).toEqual(["c.d"]);
      expect(await store.listObjects(`${prefix}/nothing/`, { maxKeys: 3 })).toEqual([]);
    });

    it("puts an object together of parts, in order, and has none before the last is written", async () => {
      const [store, key] = [open(), `${folder()}/parts`];
      const sizes = [5 * 1024 * 1024, 6 * 1024 * 1024, 5 * 1024 * 1024, 5 * 1024 * 1024 + 1, 3];
      async function* parts() {
        for (const [index, size] of sizes.entries()) {
          yield Buffer.alloc(size, index + 1);
          expect(await store.getObject(key)).toBeUndefined();
        }
      }
      await store.putObjectInParts(key, parts());
      const whole = await store.getObject(key);
      const expected = Buffer.concat(sizes.map((size, index) => Buffer.alloc(size, index + 1)));
      expect(Buffer.compare(whole!, expected)).toBe(0);
    });

    it("takes one small part, and none at all", async () => {
      const [store, prefix] = [open(), folder()];
      await store.putObjectInParts(`${prefix}/one`, [Buffer.from("one")]);
      expect(text(await store.getObject(`${prefix}/one`))).toBe("one");
      await store.putObjectInParts(`${prefix}/none`, []);
      expect((await store.getObject(`${prefix}/none`))?.length ?? -1).toBe(0);
    });

    it("has no object whose parts failed, and fails with what they failed with", async () => {
      const [store, key] = [open(), `${folder()}/parts`];
      for (const before of [0, 1, 3]) {
        const parts = async function* () {
          for (let part = 0; part < before; part++) yield Buffer.alloc(5 * 1024 * 1024, part);
          throw new RangeError("no more");
        };
        await expect(store.putObjectInParts(key, parts())).rejects.toThrow("no more");
        expect(await store.getObject(key)).toBeUndefined();
      }
      expect(await store.listObjects(key, { maxKeys: 10 })).toEqual([]);
    });

    it("tells when an object was written", async () => {
      const [store, prefix] = [open(), folder()];
      await store.putObject(`${prefix}/a`, Buffer.from("a"));
      const [found] = await store.listObjects(`${prefix}/`, { maxKeys: 1 });
      // S3 tells whole seconds, by a clock of its own.
      expect(Math.abs(found!.modifiedAt - Date.now())).toBeLessThan(5 * 60_000);
    });

    it("deletes objects; one that is not there is no error", async () => {
      const [store, prefix] = [open(), folder()];
      await store.putObject(`${prefix}/a`, Buffer.from("a"));
      await store.deleteObjects([`${prefix}/a`, `${prefix}/never`]);
      await store.deleteObjects([]);
      expect(await store.getObject(`${prefix}/a`)).toBeUndefined();
    });

    it("lists a prefix that ends within a name", async () => {
      const [store, prefix] = [open(), folder()];
      for (const key of ["segment-1/a", "segment-2/a", "other/a"])
        await store.putObject(`${prefix}/${key}`, Buffer.of(1));
      const found = await store.listObjects(`${prefix}/segm`, { maxKeys: 10 });
      expect(found.map(({ key }) => key.slice(prefix.length + 1))).toEqual(["segment-1/a", "segment-2/a"]);
    });

    it("shows a reader one whole object or another while it is replaced", async () => {
      const [store, key] = [open(), `${folder()}/a`];
      const versions = Array.from({ length: 8 }, (_, version) => Buffer.alloc(200_000, version + 1));
      await store.putObject(key, versions[0]!);
      const puts = versions.map((bytes) => store.putObject(key, bytes));
      const reads = await Promise.all(versions.map(() => store.getObject(key)));
      await Promise.all(puts);
      for (const bytes of reads) {
        expect(bytes).toHaveLength(200_000);
        expect(new Set(bytes).size).toBe(1);
      }
    });

    it("is not reached by what its callers do to their bytes afterwards", async () => {
      const [store, key] = [open(), `${folder()}/a`];
      const bytes = Buffer.from("as it was");
      await store.putObject(key, bytes);
      bytes.fill(0);
      (await store.getObject(key))!.fill(0);
      expect(text(await store.getObject(key))).toBe("as it was");
    });

    it("takes no prefix that leads elsewhere, and deletes nothing there", async () => {
      const store = open();
      for (const prefix of ["../", "/", "a/../", "a//", "a b/"]) {
        await expect(store.listObjects(prefix, { maxKeys: 1 })).rejects.toMatchObject({ code: "INVALID_REQUEST" });
      }
      await expect(store.deleteObjects(["../a"])).rejects.toMatchObject({ code: "INVALID_REQUEST" });
    });

    it("takes no key that leads elsewhere", async () => {
      const store = open();
      for (const key of [
        "../a",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "",
        "a/.",
        "a b",
        "a\0b",
        "x".repeat(201),
        "x/".repeat(300),
      ]) {
        await expect(store.putObject(key, Buffer.from("x"))).rejects.toMatchObject({ code: "INVALID_REQUEST" });
        await expect(store.getObject(key)).rejects.toMatchObject({ code: "INVALID_REQUEST" });
      }
    });
  });
}
