import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readControlRecord } from "../../../shared/record/control-record.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import type { LogRecord } from "../../../shared/record/record.ts";

interface Fixture {
  name: string;
  batch: string;
  digest: string;
  header: Record<string, unknown>;
  records: unknown[];
}

const read = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/record/${name}`, import.meta.url), "utf8"));
const javaClient: Fixture[] = read("java-client.json");
const frames: Record<string, string> = read("python-frames.json");

const base64 = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString("base64"));

function plainRecord({ offset, timestamp, key, value, headers }: LogRecord) {
  const plainHeaders = headers.map((header) => [header.key, base64(header.value)]);
  return { offset, timestamp, key: base64(key), value: base64(value), headers: plainHeaders };
}

/** The line that the generator prints of a record. */
function line(record: LogRecord): string {
  return `${JSON.stringify(plainRecord(record)).replaceAll('":', '": ').replaceAll(',"', ', "').replaceAll("],[", "], [").replaceAll(",null]", ", null]")}\n`;
}

describe("batches of Kafka's Java client", () => {
  it("are all here: every compression, control batches, idempotent and transactional producers", () => {
    expect(javaClient.map(({ name }) => name)).toHaveLength(16);
  });

  for (const { name, batch, header: expected, records, digest } of javaClient) {
    it(`are read as Kafka reads them: ${name}`, () => {
      const bytes = Buffer.from(batch, "base64");
      const header = readBatchHeader(bytes);
      verifyCrc(bytes, 0, header);
      const timestampType = expected["timestampType"] === "LogAppendTime" ? "LogAppendTime" : "CreateTime";
      expect(header).toMatchObject({ ...expected, timestampType });
      const decoded = decodeRecords(bytes, 0, header);
      expect(decoded.slice(0, records.length).map(plainRecord)).toEqual(records);
      const hash = createHash("sha256");
      for (const record of decoded) hash.update(line(record));
      expect(hash.digest("base64")).toBe(digest);
    });
  }

  it("tell what control records say", () => {
    const types = javaClient
      .filter(({ name }) => name.endsWith("marker"))
      .map(({ batch }) => {
        const bytes = Buffer.from(batch, "base64");
        return readControlRecord(decodeRecords(bytes, 0, readBatchHeader(bytes))[0]!).type;
      });
    expect(types).toEqual(["COMMIT", "ABORT"]);
  });
});

describe("framings that other clients write", () => {
  const records = (name: string) => {
    const bytes = Buffer.from(frames[name]!, "base64");
    const header = readBatchHeader(bytes);
    verifyCrc(bytes, 0, header);
    return decodeRecords(bytes, 0, header).map(plainRecord);
  };
  const plain = records("plain");

  for (const name of Object.keys(frames)) {
    it(`hold the same records: ${name}`, () => {
      expect(plain).toHaveLength(900);
      expect(records(name)).toEqual(plain);
    });
  }
});
