import { join } from "node:path";
import { build } from "esbuild";
import { beforeAll, describe, expect, it } from "vitest";
import { defaultEndpointResolver } from "../../infra/bundling/stand-ins/dynamodb-endpoints.ts";

type Resolver = typeof defaultEndpointResolver;

let sdks: Resolver;
beforeAll(async () => {
  // The SDK's own, which its package does not export.
  const resolver = join(process.cwd(), "node_modules/@aws-sdk/client-dynamodb/dist-es/endpoint/endpointResolver.js");
  const contents = `export { defaultEndpointResolver } from ${JSON.stringify(resolver)}`;
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    format: "esm",
    platform: "node",
    banner: { js: 'import { createRequire } from "node:module"; const require = createRequire("file:///x.mjs");' },
    write: false,
  });
  const source = `data:text/javascript;base64,${Buffer.from(outputFiles[0]!.contents).toString("base64")}`;
  ({ defaultEndpointResolver: sdks } = (await import(source)) as { defaultEndpointResolver: Resolver });
});

const OFF = { UseFIPS: false, UseDualStack: false, AccountIdEndpointMode: "preferred" };

const shown = ({ url, properties, headers }: ReturnType<Resolver>) => ({
  url: String(url),
  signing: Object.keys(properties),
  headers,
});

describe("DynamoDB's endpoints in a bundle", () => {
  it("are the SDK's in every region that a deployment may have, and an emulator's", () => {
    const endpoints = [undefined, "http://127.0.0.1:4566", "http://localhost:8000/", "https://dynamodb.example.com/x"];
    for (const Region of ["us-east-1", "eu-west-1", "ap-southeast-7", "us-gov-west-1", "mx-central-1"])
      for (const Endpoint of endpoints) {
        const given = { ...OFF, Region, ...(Endpoint === undefined ? {} : { Endpoint }) };
        expect([given, shown(defaultEndpointResolver(given))]).toEqual([given, shown(sdks(given))]);
      }
  });

  it("are refused where they would be others than those that are left", () => {
    const given = { ...OFF, Region: "us-east-1" };
    const others = [
      { Region: "cn-north-1" },
      { Region: "us-iso-east-1" },
      { Region: undefined },
      { UseFIPS: true },
      { UseDualStack: true },
    ];
    for (const other of others)
      expect(() => defaultEndpointResolver({ ...given, ...other }), JSON.stringify(other)).toThrow();
  });
});
