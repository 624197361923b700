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
  [/^\.\/endpoint\/endpointResolver$/, "dynamodb-endpoints.ts"],
  [/^\.\/partitions$/, "partitions.ts"],
  [/\/DefaultRateLimiter$/, "rate-limiter.ts"],
];

/** DynamoDB's errors that something asks for by their class. The others keep their names and are of its ServiceException. */
export const KEPT_ERRORS: readonly string[] = [
  "DynamoDBServiceException",
  "ResourceInUseException",
  "ConditionalCheckFailedException",
  "TransactionCanceledException",
  "TransactionConflictException",
];

/**
 * Leaves out of the AWS SDK what a function on Lambda never reaches. In bundles alone: `npm start`, the tests and the
 * benches have the SDK as it is.
 */
export const sdkTrimming: Plugin = {
  name: "sdk-trimming",
  setup(build) {
    for (const [filter, module] of STAND_INS) {
      build.onResolve({ filter }, () => ({ path: standIn(module) }));
    }
    build.onLoad({ filter: /[/\\]@aws-sdk[/\\].*[/\\]schemas[/\\]schemas_\d+\.js$/ }, ({ path }) => ({
      contents: withErrors(KEPT_ERRORS, withPlainKeys(readFileSync(path, "utf8"))),
    }));
    build.onLoad({ filter: /[/\\]@aws-sdk[/\\]client-[\w-]+[/\\]package\.json$/ }, ({ path }) => ({
      contents: JSON.stringify({ version: JSON.parse(readFileSync(path, "utf8")).version }),
      loader: "json",
    }));
  },
};

function standIn(module: string): string {
  return join(import.meta.dirname, "stand-ins", module);
}

/**
 * Writes the keys of a schema file's object literals out: `{ [_hH]: _ET }`, with `const _hH = "httpHeader"`, becomes
 * `{ "httpHeader": _ET }`. esbuild takes a computed key for a side effect and keeps the schemas of all operations
 * for it, tens of KB.
 */
export function withPlainKeys(source: string): string {
  const values = new Map([...source.matchAll(/^const (_\w+) = ("[^"\\]*");$/gm)].map(([, name, text]) => [name, text]));
  return source.replaceAll(/([{,] )\[(_\w+)\]:/g, (found, before: string, name: string) =>
    values.has(name) ? `${before}${values.get(name)}:` : found,
  );
}

/** Leaves only these errors of a schema file registered, and with the others' registration the last that needs them. */
export function withErrors(kept: readonly string[], source: string): string {
  return source.replaceAll(/^\w+_registry\.registerError\((\w+)\$, \1\);$/gm, (found, name: string) =>
    kept.includes(name) ? found : "",
  );
}
