import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../shared/record/batch-header.ts";
import { encodeBatch } from "../../shared/record/encode-batch.ts";

const base64 = (bytes: Uint8Array | null) => (bytes === null ? "null" : `"${Buffer.from(bytes).toString("base64")}"`);

it("Kafka's own reader finds our records in our batches, whatever the compression", () => {
  const kafka = process.env["MILLRACE_TEST_KAFKA_CLIENTS"] ?? "";
  const folder = mkdtempSync(join(tmpdir(), "millrace-batches-"));
  const records = Array.from({ length: 2000 }, (_, index) => ({
    key: index % 3 === 0 ? null : Buffer.from(`key ${index}`),
    value: index % 50 === 0 ? null : Buffer.from(`value ${index} `.repeat(index % 40)),
    headers: index % 5 === 0 ? [{ key: "grüße", value: index % 10 === 0 ? null : Buffer.from([index % 256]) }] : [],
    timestamp: 1_700_000_000_000 + index,
  }));
  for (const compressionType of COMPRESSION_TYPES) {
    writeFileSync(join(folder, `${compressionType}.bin`), encodeBatch(records, { compressionType, baseOffset: 42 }));
  }
  const classPath = `${join(kafka, "classes")}:${join(kafka, "lib")}/*`;
  const printed = execFileSync(
    "java",
    ["-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8", "-cp", classPath, "GenerateFixtures", "check", folder],
    {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  rmSync(folder, { recursive: true });
  const expected = [...COMPRESSION_TYPES].sort().flatMap((compressionType) =>
    records.map(({ key, value, headers, timestamp }, index) => {
      const told = headers.map((header) => `["${header.key}", ${base64(header.value)}]`).join(", ");
      return `${compressionType}.bin {"offset": ${42 + index}, "timestamp": ${timestamp}, "key": ${base64(key)}, "value": ${base64(value)}, "headers": [${told}]}`;
    }),
  );
  expect(printed.trimEnd().split("\n")).toEqual(expected);
}, 120_000);
