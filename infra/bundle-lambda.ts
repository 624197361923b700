import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type BundledFile, bytesOf } from "./bundling/bundled-file.ts";

/** The folders under lambdas/ that hold a function. */
export type LambdaName = "produce" | "fetch" | "coordinator" | "maintenance" | "authorizer" | "replicator" | "lease";

export interface LambdaBundle {
  readonly files: readonly BundledFile[];
  readonly bytes: number;
}

/** A function that does not bundle: its message says why, and what to do. */
export class BundleError extends Error {}

const BUNDLE_PROCESS = join(import.meta.dirname, "bundling/bundle-process.ts");
const BUNDLE_WITHIN_MS = 60_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

const HINT = "Run npm install if something is missing; npm run typecheck tells more of the sources.";

/** Bundled once in a process: an app that is synthesized again has the same functions. */
const bundles = new Map<LambdaName, LambdaBundle>();

/** Bundles a function into a folder, as CDK's asset of it: `handler.mjs` and what it loads. Errors: BundleError. */
export function bundleLambda(name: LambdaName, folder: string): LambdaBundle {
  const bundle = bundles.get(name) ?? bundled(`lambdas/${name}/handler.ts`);
  bundles.set(name, bundle);
  mkdirSync(folder, { recursive: true });
  for (const file of bundle.files) writeFileSync(join(folder, file.name), file.contents);
  return bundle;
}

/** In a process of its own: CDK's constructs cannot wait, and esbuild has no plugins where it is called without waiting. */
function bundled(entry: string): LambdaBundle {
  const { status, signal, error, stdout, stderr } = spawnSync(process.execPath, [BUNDLE_PROCESS, entry], {
    encoding: "utf8",
    maxBuffer: MAX_OUTPUT_BYTES,
    timeout: BUNDLE_WITHIN_MS,
  });
  if (status !== 0) {
    const why = stderr?.trim() || error?.message || `its process ended by ${signal ?? status}`;
    throw new BundleError(`${entry} does not bundle: ${why}\n${HINT}`);
  }
  const encoded = JSON.parse(stdout) as (Omit<BundledFile, "contents"> & { contents: string })[];
  const files = encoded.map((file) => ({ ...file, contents: Buffer.from(file.contents, "base64") }));
  return { files, bytes: bytesOf(files) };
}
