import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BundleError, bundleLambda, type LambdaName } from "../../infra/bundle-lambda.ts";
import { type BundledFile, bytesByPackage } from "../../infra/bundling/bundled-file.ts";
import { KEPT_ERRORS, withErrors, withPlainKeys } from "../../infra/bundling/sdk-trimming.ts";
import { contentsOf, FUNCTIONS } from "../fixtures/bundled-function.ts";

const MAX_BYTES = 500 * 1024;

/** All that a function may bring along; of the AWS SDK what DynamoDB needs. */
const PACKAGES = new Set([
  "millrace",
  "zod",
  "snappyjs",
  "jose",
  "@aws-lambda-powertools/commons",
  "@aws-lambda-powertools/logger",
  "@aws-lambda-powertools/metrics",
  "@aws/lambda-invoke-store",
  "@aws-sdk/client-dynamodb",
  "@aws-sdk/core",
  "@aws-sdk/dynamodb-codec",
  "@smithy/core",
  "@smithy/node-http-handler",
  "@smithy/signature-v4",
  "@smithy/types",
]);

const folder = mkdtempSync(join(tmpdir(), "millrace-bundles-"));
const bundles = new Map<LambdaName, readonly BundledFile[]>();
beforeAll(() => {
  for (const name of FUNCTIONS) bundles.set(name, bundleLambda(name, join(folder, name)).files);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (files: readonly BundledFile[]) => files.map((file) => Buffer.from(file.contents).toString()).join("\n");

describe.each(FUNCTIONS)("the bundle of %s", (name) => {
  it("has its handler and no more than 500 KiB, with all that it loads later", () => {
    const files = readdirSync(join(folder, name));
    expect(files).toContain("handler.mjs");
    expect(files.toSorted()).toEqual(
      bundles
        .get(name)!
        .map((file) => file.name)
        .toSorted(),
    );
    const bytes = files.reduce((sum, file) => sum + readFileSync(join(folder, name, file)).length, 0);
    expect(bytes, contentsOf(bundles.get(name)!)).toBeLessThan(MAX_BYTES);
  });

  it("holds no package that it does not need", () => {
    const files = bundles.get(name)!;
    const others = bytesByPackage(files).filter(([found, bytes]) => bytes > 0 && !PACKAGES.has(found));
    expect(others, contentsOf(files)).toEqual([]);
    const needsHttp = ["produce", "fetch", "coordinator"].includes(name);
    const has = (wanted: string) => bytesByPackage(files).some(([found, bytes]) => found === wanted && bytes > 0);
    expect([has("zod"), has("jose"), has("@aws-sdk/client-dynamodb")], contentsOf(files)).toEqual([
      needsHttp,
      name === "authorizer",
      name !== "authorizer",
    ]);
    // No operation that nobody sends, of zod's languages English, and no schemas for a document.
    expect(textOf(files)).not.toMatch(/ExportTableToPointInTime|SelectObjectContent|AssumeRoleWithWebIdentity/);
    expect(textOf(files)).not.toMatch(/draft-2020-12|Ungültige Eingabe/);
  });

  it("holds the routes of no other function", () => {
    const sources = bundles.get(name)!.flatMap((file) => Object.entries(file.sources));
    const held = sources.filter(([source, bytes]) => source.startsWith("shared/http/routes/") && bytes > 0);
    const arrays = held.map(([source]) => source.replace(/^.*\/routes\//, ""));
    expect(arrays.includes("v3-produce.ts")).toBe(name === "produce");
    expect(arrays.includes("v3-fetch.ts")).toBe(name === "fetch");
  });

  it("holds what appends only if it does", () => {
    const sources = bundles.get(name)!.flatMap((file) => Object.entries(file.sources));
    const held = sources.some(([source, bytes]) => source.endsWith("broker/partition-writer.ts") && bytes > 0);
    expect(held).toBe(name === "produce");
  });

  it("loads nothing but its own files and what Node.js has, and that without reading all of it", () => {
    const text = textOf(bundles.get(name)!);
    const imported = [...text.matchAll(/(?:\}from|\bimport\(|[;\n]import)"([^"]+)"/g)].map(([, path]) => path!);
    const names = bundles.get(name)!.map((file) => `./${file.name}`);
    expect(imported.length).toBeGreaterThan(0);
    expect(imported.filter((path) => !names.includes(path))).toEqual([]);
    expect(text).not.toContain("Dynamic require of");
  });
});

describe("bundling", () => {
  it("makes the same bytes of the same sources in another folder", () => {
    const copy = join(folder, "elsewhere", "copy");
    mkdirSync(join(copy, "node_modules"), { recursive: true });
    for (const part of ["shared", "lambdas", "infra", "package.json", "tsconfig.json"]) {
      cpSync(part, join(copy, part), { recursive: true });
    }
    const packages = [
      "@aws-lambda-powertools",
      "@aws-sdk",
      "@aws",
      "@smithy",
      "bowser",
      "jose",
      "snappyjs",
      "tslib",
      "zod",
    ];
    for (const name of packages) {
      cpSync(join("node_modules", name), join(copy, "node_modules", name), { recursive: true });
    }
    symlinkSync(join(process.cwd(), "node_modules/esbuild"), join(copy, "node_modules/esbuild"));
    for (const name of FUNCTIONS) {
      const script = join(copy, "infra/bundling/bundle-process.ts");
      const bundled = spawnSync(process.execPath, [script, `lambdas/${name}/handler.ts`], {
        cwd: tmpdir(),
        encoding: "utf8",
        maxBuffer: 1 << 26,
      });
      expect(bundled.stderr).toBe("");
      const files = JSON.parse(bundled.stdout) as { name: string; contents: string }[];
      const digest = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
      const own = bundles.get(name)!.map((file) => [file.name, digest(file.contents)]);
      expect(files.map((file) => [file.name, digest(Buffer.from(file.contents, "base64"))])).toEqual(own);
    }
  });

  it("that fails says where, and what to do", () => {
    expect(() => bundleLambda("nothing" as LambdaName, join(folder, "nothing"))).toThrow(BundleError);
    expect(() => bundleLambda("nothing" as LambdaName, join(folder, "nothing"))).toThrow(
      /lambdas\/nothing\/handler\.ts does not bundle: .*Could not resolve[\s\S]*Run npm install/,
    );
  });

  it("keeps each class of the SDK's errors that something asks for", () => {
    const adapters = readdirSync("shared/storage/dynamodb").map((file) =>
      readFileSync(join("shared/storage/dynamodb", file), "utf8"),
    );
    const asked = new Set(
      adapters.flatMap((text) => [...text.matchAll(/instanceof (\w+)/g)].map(([, error]) => error!)),
    );
    const sdks = [...asked].filter((error) => error.endsWith("Exception"));
    expect(sdks.length).toBeGreaterThan(1);
    expect(sdks.filter((error) => !KEPT_ERRORS.includes(error))).toEqual([]);
    const source = "n0_registry.registerError(A$, A);\nn0_registry.registerError(B$, B);\n";
    expect(withErrors(["B"], source)).toBe("\nn0_registry.registerError(B$, B);\n");
  });

  it("writes the keys of the SDK's schemas out where it knows them", () => {
    const source = 'const _hH = "httpHeader";\nvar a = [0, { [_hH]: _ET, [_hQ]: 1 }, x[_hH], { [_hH]() {} }];\n';
    expect(withPlainKeys(source)).toBe(
      'const _hH = "httpHeader";\nvar a = [0, { "httpHeader": _ET, [_hQ]: 1 }, x[_hH], { [_hH]() {} }];\n',
    );
  });
});
