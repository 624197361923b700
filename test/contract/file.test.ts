import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FileSegmentStore } from "../../shared/storage/file/file-segment-store.ts";
import { storageError } from "../../shared/storage/storage-error.ts";
import { segmentStoreContract } from "./segment-store.contract.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-segments-"));
afterAll(() => rmSync(root, { recursive: true }));

segmentStoreContract("files", () => new FileSegmentStore(root));

it("a file that a crash left half written is no object, and goes when nobody can be writing it any more", async () => {
  const store = new FileSegmentStore(root);
  await store.putObject("crash/a", Buffer.from("whole"));
  const temporary = `${join(root, "crash", "b")}.${crypto.randomUUID()}~`;
  writeFileSync(temporary, "half");
  const list = async () => (await store.listObjects("crash/", { maxKeys: 10 })).map(({ key }) => key);
  expect(await list()).toEqual(["crash/a"]);
  expect(readdirSync(join(root, "crash"))).toHaveLength(2);
  const hourAgo = Date.now() / 1000 - 3600;
  utimesSync(temporary, hourAgo, hourAgo);
  expect(await list()).toEqual(["crash/a"]);
  expect(readdirSync(join(root, "crash"))).toEqual(["a"]);
});

it("a folder's name is the key of no object", async () => {
  const store = new FileSegmentStore(root);
  await store.putObject("folder/a", Buffer.from("a"));
  expect(await store.getObject("folder")).toBeUndefined();
  expect(await store.getObject("folder/a/b")).toBeUndefined();
});

it("a put that fails leaves nothing behind", async () => {
  const store = new FileSegmentStore(root);
  await store.putObject("taken/a", Buffer.from("a"));
  await expect(store.putObject("taken", Buffer.from("b"))).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR" });
  expect(readdirSync(root).filter((name) => name.endsWith("~"))).toEqual([]);
  expect(Buffer.from((await store.getObject("taken/a"))!).toString()).toBe("a");
});

it("a disk that is full says so, and what to do", () => {
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
  const { message, hint, retriable } = storageError("writing an object", full);
  expect(message).toBe("writing an object failed: ENOSPC");
  expect(hint).toContain("make room on the disk");
  expect(retriable).toBe(true);
});
