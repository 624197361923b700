import { join } from "node:path";
import { cruise } from "dependency-cruiser";
import { describe, expect, it } from "vitest";

/** Layers from low to high: each may import itself and what stands before it, and the runtime. */
const LAYERS = ["kafka", "record", "log", "group", "broker", "http"];
const above = (index: number) => LAYERS.slice(index + 1).join("|");

/** Names, keys and numbers that the deployment and the runtime must have alike: ADR 6. */
const READ_BY_INFRA =
  "^(lambdas/broker-environment|lambdas/authorizer/environment|shared/runtime/metric-names|shared/storage/dynamodb/table-schema|shared/kafka/nearest-name)\\.ts$";

const forbidden = [
  ...LAYERS.slice(0, -1).map((layer, index) => ({
    name: `${layer} imports nothing above it`,
    from: { path: `^shared/${layer}/` },
    to: { path: `^shared/(${above(index)})/` },
  })),
  {
    name: "group knows nothing of logs",
    from: { path: "^shared/group/" },
    to: { path: "^shared/log/" },
  },
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
    name: "oidc stands on the runtime alone",
    from: { path: "^shared/oidc/" },
    to: { path: "^shared/(?!oidc/|runtime/)" },
  },
  {
    name: "nothing of shared stands on oidc",
    from: { path: "^shared/(?!oidc/)" },
    to: { path: "^shared/oidc/" },
  },
  {
    name: "jose is imported in oidc alone",
    from: { path: "^(shared|lambdas|local)/", pathNot: "^shared/oidc/" },
    to: { path: "node_modules/jose/" },
  },
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
    name: "infra reads what imports nothing of the runtime, and nothing else of it",
    from: { path: "^infra/" },
    to: { path: "^(shared|lambdas|local)/", pathNot: READ_BY_INFRA },
  },
  {
    name: "what infra reads imports nothing",
    from: { path: READ_BY_INFRA },
    to: { path: ".", dependencyTypesNot: ["type-only"] },
  },
  {
    name: "nobody but infra, tests and bench knows of the deployment",
    from: { path: "^(shared|lambdas|local)/" },
    to: { path: "^infra/|node_modules/(aws-cdk-lib|constructs|cdk-nag|esbuild)/" },
  },
  {
    name: "no cycles",
    from: { path: "^(shared|lambdas|local|infra)/" },
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
    const { modules, summary } = await cruiseSources(["shared", "lambdas", "local", "infra"]);
    const own = modules.filter(
      ({ source }) => /^(shared|lambdas|local|infra)\//.test(source) && !source.endsWith(".d.ts"),
    );
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
