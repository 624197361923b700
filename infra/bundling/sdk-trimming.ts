import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "esbuild";

/** Modules of the AWS SDK that a function on Lambda never needs, and what stands in for them. */
const STAND_INS: readonly (readonly [RegExp, string])[] = [
  [/^@aws-sdk\/credential-provider-node$/, "credentials.ts"],
  [/^@aws-sdk\/middleware-endpoint-discovery$/, "endpoint-discovery.ts"],
  [/^@smithy\/core\/event-streams$/, "event-streams.ts"],
  [/\/fromSharedConfigFiles$/, "config-files.ts"],
  [/\/Sha(1|256)Js$/, "hashes.ts"],
];

/**
 * Leaves out of the AWS SDK what a function on Lambda never reaches. In bundles alone: `npm start`, the tests and the
 * benches have the SDK as it is.
 */
export const sdkTrimming: Plugin = {
  name: "sdk-trimming",
  setup(build) {
    for (const [filter, module] of STAND_INS) {
      build.onResolve({ filter }, () => ({ path: join(import.meta.dirname, "stand-ins", module) }));
    }
    build.onLoad({ filter: /[/\\]@aws-sdk[/\\].*[/\\]schemas[/\\]schemas_\d+\.js$/ }, ({ path }) => ({
      contents: withPlainKeys(readFileSync(path, "utf8")),
    }));
    build.onLoad({ filter: /[/\\]SignatureV4MultiRegion\.js$/ }, () => ({ contents: SIGNATURES_OF_ONE_REGION }));
    build.onLoad({ filter: /[/\\]@aws-sdk[/\\]client-[\w-]+[/\\]package\.json$/ }, ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(readFileSync(path, "utf8")).version }),
      loader: "json",
    }));
  },
};

/** A bucket is in one region: signatures for several (SigV4A) are for multi-region access points. */
const SIGNATURES_OF_ONE_REGION = `
  import { SignatureV4SignWithCredentials } from "./SignatureV4SignWithCredentials";
  export class SignatureV4MultiRegion extends SignatureV4SignWithCredentials {
    static sigv4aDependency() {
      return "none";
    }
  }`;

/**
 * Writes the keys of a schema file's object literals out: `{ [_hH]: _ET }`, with `const _hH = "httpHeader"`, becomes
 * `{ "httpHeader": _ET }`. esbuild takes a computed key for a side effect and keeps the schemas of all operations of S3
 * for it, some 50 KB.
 */
export function withPlainKeys(source: string): string {
  const values = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]));
  return source.replaceAll(/([{,] )\[(_\w+)\]:/g, (found, before: string, name: string) =>
    values.has(name) ? `${before}${values.get(name)}:` : found,
  );
}
