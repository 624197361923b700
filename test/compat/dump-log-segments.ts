import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { SegmentIndexes } from "../../shared/log/segment/segment-builder.ts";

/** Up to Kafka 4.1; later it is org.apache.kafka.tools.DumpLogSegments. */
const TOOL = "kafka.tools.DumpLogSegments";

/** A segment in memory. */
export interface SegmentFiles {
  readonly baseOffset: number;
  readonly log: Uint8Array;
  readonly indexes: SegmentIndexes;
  readonly content: { readonly lastOffset: number };
}

/** What Kafka's tool printed, a line each. */
export interface Dumped {
  readonly printed: readonly string[];
  /** Standard error: every mismatch that it finds. */
  readonly complaints: readonly string[];
}

export interface SegmentDump {
  /** `--deep-iteration --print-data-log` of the `.log`. */
  readonly log: Dumped;
  /** The entries of `.index` and `.timeindex`, each checked against the `.log`. */
  readonly indexes: Dumped;
  /** `--index-sanity-check`. */
  readonly sanity: Dumped;
  readonly producers: Dumped;
}

/** Names of logs, as of topics: each has a folder. */
export type Logs = Readonly<Record<string, readonly SegmentFiles[]>>;

/** What Kafka reads in a `leader-epoch-checkpoint`, a line for each epoch. */
export function readLeaderEpochs(checkpoint: Uint8Array): Dumped {
  const folder = mkdtempSync(join(tmpdir(), "millrace-epochs-"));
  try {
    const file = join(folder, "leader-epoch-checkpoint");
    writeFileSync(file, checkpoint);
    return run(["test/fixtures/segment/ReadLeaderEpochs.java", file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Lays the segments of a log out as a broker's folder has them, and has Kafka's own DumpLogSegments read each kind of file. */
export function dumpSegments(segments: readonly SegmentFiles[]): SegmentDump {
  return dumpLogs({ log: segments });
}

/** Those of several logs, each in its folder, by one run of the tool for each kind of file: what it prints comes log by log, in order. */
export function dumpLogs(all: Logs): SegmentDump {
  const folder = mkdtempSync(join(tmpdir(), "millrace-segments-"));
  const write = (name: string, offset: number, suffix: string, bytes: Uint8Array) => {
    const file = join(folder, `${name}-0`, `${String(offset).padStart(20, "0")}${suffix}`);
    writeFileSync(file, bytes);
    return file;
  };
  try {
    const logs: string[] = [];
    const indexes: string[] = [];
    const snapshots: string[] = [];
    for (const [name, segments] of Object.entries(all)) {
      mkdirSync(join(folder, `${name}-0`));
      for (const { baseOffset, log, indexes: beside, content } of segments) {
        logs.push(write(name, baseOffset, ".log", log));
        indexes.push(write(name, baseOffset, ".index", beside.offsetIndex));
        indexes.push(write(name, baseOffset, ".timeindex", beside.timeIndex));
        snapshots.push(write(name, content.lastOffset + 1, ".snapshot", beside.producerSnapshot));
      }
    }
    return {
      log: dump(logs, ["--deep-iteration", "--print-data-log"]),
      indexes: dump(indexes, []),
      sanity: dump(indexes, ["--index-sanity-check"]),
      producers: dump(snapshots, []),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function dump(files: readonly string[], options: readonly string[]): Dumped {
  return run([TOOL, "--files", files.join(","), ...options]);
}

function run(program: readonly string[]): Dumped {
  const tools = process.env["MILLRACE_TEST_KAFKA_TOOLS"];
  if (tools === undefined) throw new Error("MILLRACE_TEST_KAFKA_TOOLS is not set: run npm run test:compat");
  const encoding = ["-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8", "-XX:TieredStopAtLevel=1"];
  const { stdout, stderr, status, error } = spawnSync(
    "java",
    [...encoding, "-cp", `${join(tools, "lib")}/*`, ...program],
    {
      encoding: "utf8",
      maxBuffer: 256 * 1024 * 1024,
      timeout: 100_000,
    },
  );
  if (error !== undefined || status !== 0) throw new Error(`${program[0]} failed: ${stderr}`, { cause: error });
  return { printed: lines(stdout), complaints: lines(stderr).filter((line) => !line.startsWith("SLF4J: ")) };
}

const lines = (text: string) => text.split("\n").filter((line) => line !== "");
