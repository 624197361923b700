import { createRequire } from "node:module";
import { describe, expect, it } from "vitest";
import { dynoxideBinary } from "../../../local/dynoxide-binary.ts";

const { devDependencies } = createRequire(import.meta.url)("../../../package.json");

describe("the embedded DynamoDB's binary", () => {
  it("is asked for by the package of a platform where it is missing, in the version that is tested here", () => {
    const elsewhere = process.platform === "darwin" ? "linux-arm64" : "darwin-arm64";
    const version = devDependencies["@dynoxide/linux-x64"];
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    const command = `npm install --no-save @dynoxide/${elsewhere}@${version}`;
    expect(() => dynoxideBinary(elsewhere)).toThrow(command);
    expect(() => dynoxideBinary(elsewhere)).toThrow("AWS_ENDPOINT_URL");
  });

  it("is not promised to platforms that it is not made for", () => {
    expect(() => dynoxideBinary("aix-ppc64")).toThrow(
      /^there is no embedded DynamoDB for aix-ppc64: set AWS_ENDPOINT_URL/,
    );
  });
});
