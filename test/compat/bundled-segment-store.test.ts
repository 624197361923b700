import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll } from "vitest";
import { buildBundle } from "../../infra/bundling/build-bundle.ts";
import type { S3SegmentStore } from "../../shared/storage/s3/s3-segment-store.ts";
import { segmentStoreContract } from "../contract/segment-store.contract.ts";

/** What a bundle leaves out of S3's SDK must not be missed: the store as functions have it, on an emulator. */
const endpoint = process.env["MILLRACE_TEST_MOTO"];
if (endpoint === undefined) throw new Error("MILLRACE_TEST_MOTO is not set: run npm run test:compat");

const folder = mkdtempSync(join(tmpdir(), "millrace-s3-"));
let store: S3SegmentStore;

beforeAll(async () => {
  const files = await buildBundle("shared/storage/s3/s3-segment-store.ts");
  for (const { name, contents } of files) writeFileSync(join(folder, name), contents);
  // As on Lambda: a bundle has its credentials from the environment, and from nowhere else.
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test", AWS_REGION: "us-east-1" });
  const url = pathToFileURL(join(folder, "handler.mjs")).href;
  const bundled = (await import(/* @vite-ignore */ url)) as { S3SegmentStore: typeof S3SegmentStore };
  store = new bundled.S3SegmentStore("millrace-bundled", { endpoint, forcePathStyle: true });
  await store.createBucket();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

segmentStoreContract("S3 (moto), bundled", () => store);
