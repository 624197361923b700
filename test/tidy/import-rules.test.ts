import { join } from "node:path";
import { cruise } from "dependency-cruiser";
import { describe, expect, it } from "vitest";

/** Layers from low to high: each may import itself and what stands before it, and the runtime. */
const LAYERS = ["kafka", "record", "log", "broker", "http"];
const above = (index: number) => LAYERS.slice(index + 1).join("|");

const forbidden = [
  ...LAYERS.slice(0, -1).map((layer, index) => ({
    name: `${layer} imports nothing above it`,
    from: { path: `^shared/${layer}/` },
    to: { path: `^shared/(${above(index)})/` },
  })),
  {
    name: "the core names no adapter",
    from: { path: `^shared/(${LAYERS.join("|")}|runtime)/` },
    to: { path: "^shared/storage/" },
  },
  {
    name: "the runtime stands on kafka alone",
    from: { path: "^shared/runtime/" },
    to: { path: `^shared/(?!runtime/|kafka/)` },
  },
  {
    name: "adapters know ports, not faces",
    from: { path: "^shared/storage/" },
    to: { path: "^shared/http/" },
  },
  {
    name: "shared knows none of its users",
    from: { path: "^shared/" },
    to: { path: "^(lambdas|local|test|bench|infra|gateway|packages)/" },
  },
  { name: "lambdas know nothing of local", from: { path: "^lambdas/" }, to: { path: "^(local|test|bench|infra)/" } },
  {
    name: "the AWS SDK is imported in storage alone",
    from: { path: "^(shared|lambdas|local)/", pathNot: "^shared/storage/" },
    to: { path: "node_modules/@aws-sdk/" },
  },
  {
    name: "environments import nothing of the runtime",
    from: { path: "^lambdas/(.*/environment|broker-environment)\\.ts$" },
    to: { path: "^shared/" },
  },
  {
    name: "no cycles",
    from: { path: "^(shared|lambdas|local)/" },
    to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only", "dynamic-import"] } },
  },
].map((rule) => ({ ...rule, severity: "error" as const }));

async function cruiseSources(paths: string[], baseDir = process.cwd()) {
  const options = {
    ruleSet: { forbidden },
    validate: true,
    baseDir,
    parser: "swc" as const,
    doNotFollow: { path: "node_modules" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      extensions: [".ts", ".js"],
      exportsFields: ["exports"],
      conditionNames: ["import", "node"],
    },
  };
  const { output } = await cruise(paths, options as never);
  if (typeof output === "string") throw new Error("expected the cruise's result, not a report");
  return output;
}

describe("import rules", () => {
  it("hold everywhere, in all the modules there are", async () => {
    const { modules, summary } = await cruiseSources(["shared", "lambdas", "local"]);
    const own = modules.filter(({ source }) => /^(shared|lambdas|local)\//.test(source) && !source.endsWith(".d.ts"));
    const imports = own.reduce((sum, { dependencies }) => sum + dependencies.length, 0);
    // A parser that does not understand TypeScript sees no module, or modules without imports, and finds no fault.
    expect(own.length).toBeGreaterThan(110);
    expect(imports).toBeGreaterThan(400);
    expect(summary.violations.map(({ rule, from, to }) => `${rule.name}: ${from} -> ${to}`)).toEqual([]);
  });

  it("catch an import that goes the wrong way", async () => {
    const { summary } = await cruiseSources(["shared"], join(process.cwd(), "test/fixtures/tidy"));
    expect(summary.violations.map(({ rule }) => rule.name)).toEqual(["kafka imports nothing above it"]);
  });
});
