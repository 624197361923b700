import { buildBundle } from "../infra/bundling/build-bundle.ts";
import { bytesByPackage, bytesOf } from "../infra/bundling/bundled-file.ts";
import { table } from "./rounds.ts";

/** How large is each function's bundle, and what is in it? Minified, with what is loaded later. */
const FUNCTIONS = ["produce", "fetch", "coordinator", "replicator", "lease", "maintenance", "authorizer"];

export async function run(): Promise<void> {
  const kib = (bytes: number) => (bytes / 1024).toFixed(1);
  const bundles = await Promise.all(
    FUNCTIONS.map(async (name) => {
      const files = await buildBundle(`lambdas/${name}/handler.ts`);
      return { name, files, packages: new Map(bytesByPackage(files)) };
    }),
  );
  const packages = bytesByPackage(bundles.flatMap(({ files }) => files)).map(([name]) => name);
  table("Bundle of each function, KiB by package", [
    ["", ...FUNCTIONS],
    ["all", ...bundles.map(({ files }) => kib(bytesOf(files)))],
    ...packages.map((name) => [name, ...bundles.map((bundle) => kib(bundle.packages.get(name) ?? 0))]),
  ]);
  for (const { name, files } of bundles) {
    console.log(`  ${name}: ${files.map((file) => `${file.name} ${kib(file.contents.length)}`).join(", ")}`);
  }
}

if (import.meta.main) await run();
