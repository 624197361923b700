import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { FileSegmentStore } from "../../shared/storage/file/file-segment-store.ts";
import { segmentStoreContract } from "./segment-store.contract.ts";

const root = mkdtempSync(join(tmpdir(), "millrace-segments-"));
afterAll(() => rmSync(root, { recursive: true }));

segmentStoreContract("files", () => new FileSegmentStore(root));

it("a file that a crash left half written is no object", async () => {
  const store = new FileSegmentStore(root);
  await store.putObject("crash/a", Buffer.from("whole"));
  const temporary = `${join(root, "crash", "b")}.${crypto.randomUUID()}~`;
  writeFileSync(temporary, "half");
  expect((await store.listObjects("crash/", { maxKeys: 10 })).map(({ key }) => key)).toEqual(["crash/a"]);
  expect(readdirSync(join(root, "crash"))).toHaveLength(2);
});
