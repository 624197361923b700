import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { readControlRecord } from "../../../shared/record/control-record.ts";
import { decodeRecords } from "../../../shared/record/decode-batch.ts";
import { readBatchHeader, verifyCrc } from "../../../shared/record/read-batch-header.ts";
import { recompress } from "../../../shared/record/recompress.ts";
import type { LogRecord } from "../../../shared/record/record.ts";
import { validate } from "./corrupted-batch.ts";

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
const kafkajs: Pick<Fixture, "name" | "batch" | "records">[] = read("kafkajs.json");
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
    expect(javaClient.map(({ name }) => name)).toHaveLength(20);
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

  it("are taken by a topic if a producer may send them", () => {
    const refused = javaClient
      .map(({ name, batch }) => ({ name, code: validate(Buffer.from(batch, "base64")) }))
      .filter(({ code }) => code !== "accepted");
    expect(refused).toEqual([
      { name: "LogAppendTime", code: "INVALID_RECORD" },
      { name: "LogAppendTime, zstd", code: "INVALID_RECORD" },
      { name: "a transactional producer", code: "INVALID_REQUEST" },
      { name: "a commit marker", code: "INVALID_RECORD" },
      { name: "an abort marker", code: "INVALID_RECORD" },
      { name: "a leader change", code: "INVALID_RECORD" },
      { name: "offsets with gaps, as compaction leaves them", code: "INVALID_RECORD" },
      { name: "a batch that compaction left empty", code: "INVALID_RECORD" },
    ]);
  });

  it("stay what they are, but for the compression, when they are recompressed", () => {
    for (const { batch } of javaClient) {
      const bytes = Buffer.from(batch, "base64");
      const header = readBatchHeader(bytes);
      for (const compressionType of COMPRESSION_TYPES) {
        const other = recompress(bytes, 0, header, compressionType);
        const otherHeader = readBatchHeader(other);
        verifyCrc(other, 0, otherHeader);
        const { sizeInBytes, crc } = otherHeader;
        expect(otherHeader).toEqual({ ...header, compressionType, sizeInBytes, crc });
        expect(recompress(other, 0, otherHeader, "none")).toEqual(recompress(bytes, 0, header, "none"));
      }
    }
  });

  it("tell what control records say", () => {
    const types = javaClient
      .filter(({ header }) => header["isControl"])
      .map(({ batch }) => {
        const bytes = Buffer.from(batch, "base64");
        return readControlRecord(decodeRecords(bytes, 0, readBatchHeader(bytes))[0]!);
      });
    expect(types).toEqual([
      { version: 0, type: "COMMIT" },
      { version: 0, type: "ABORT" },
      { version: 0, type: "LEADER_CHANGE" },
    ]);
  });
});

describe("batches of kafkajs", () => {
  for (const { name, batch, records } of kafkajs) {
    it(`hold the records that went into them: ${name}`, () => {
      const bytes = Buffer.from(batch, "base64");
      expect(validate(bytes)).toBe("accepted");
      expect(decodeRecords(bytes, 0, readBatchHeader(bytes)).map(plainRecord)).toEqual(records);
    });
  }
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

  it("are taken from producers, but for dependent lz4 blocks: Kafka's Java client cannot read those", () => {
    const refused = Object.keys(frames).filter((name) => validate(Buffer.from(frames[name]!, "base64")) !== "accepted");
    expect(refused).toEqual(["lz4, linked blocks", "lz4, linked blocks and all checksums"]);
  });
});
