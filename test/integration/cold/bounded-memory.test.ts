import { spawn } from "node:child_process";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { startDynoxide } from "../../../local/dynoxide.ts";
import { temporaryFolder } from "../../fixtures/service.ts";
import type { LargeLogTerms, Phase } from "./large-log-process.ts";

/**
 * `MILLRACE_LOG_MIB=4096 npx vitest run --project integration test/integration/cold/bounded-memory.test.ts` takes some minutes, and the threefold of
 * it on the disk.
 */
const LOG_MIB = Number(process.env["MILLRACE_LOG_MIB"] || 0);

const folder = temporaryFolder();
afterAll(() => folder.remove());

/** The phases of a log's life, each as the process told it. */
async function live(flags: readonly string[], terms: Omit<LargeLogTerms, "endpoint" | "folder">): Promise<Phase[]> {
  const dynoxide = await startDynoxide(join(folder.path, `${terms.mib}.db`));
  try {
    const given: LargeLogTerms = { ...terms, endpoint: dynoxide.endpoint, folder: join(folder.path, "segments") };
    const program = "test/integration/cold/large-log-process.ts";
    const child = spawn(process.execPath, [...flags, program, JSON.stringify(given)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    const code = await new Promise((resolve) => child.once("close", resolve));
    if (code !== 0) throw new Error(`the process ended with ${code}: ${out}${err}`);
    return out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Phase);
  } finally {
    await dynoxide.stop();
  }
}

const of = (phases: readonly Phase[], name: string) => phases.find(({ phase }) => phase === name)!;

it("a log larger than all that a process holds of it is tiered, read, compacted and deleted", async () => {
  const terms = { mib: 192, partitions: 1, segmentMib: 48, recordBytes: 1000, keys: 20_000, rounds: 1 };
  const phases = await live(["--max-old-space-size=64", "--expose-gc"], terms);
  const sent = of(phases, "append").records!;
  expect(of(phases, "read").records).toBe(sent);
  // The last item is hot, and read as it was appended.
  expect(of(phases, "read compacted").records! - terms.keys).toBeLessThan(100);
  expect(of(phases, "delete").records).toBeLessThan(100);
  expect(of(phases, "delete").storedMib).toBeLessThan(terms.segmentMib);
  // A process itself; some parts and items; what is read ahead; a map of a few keys and what a segment is read and written with.
  for (const [phase, limit] of Object.entries({ tier: 96, read: 144, compact: 112, delete: 64 })) {
    expect([phase, of(phases, phase).heldMib]).toEqual([phase, expect.toSatisfy((held) => held < limit)]);
  }
}, 300_000);

it.runIf(LOG_MIB > 0)(
  "so is one of many GiB, with more keys than fit into a map, within a Lambda function's memory",
  async () => {
    const log = { mib: LOG_MIB, partitions: 4, segmentMib: 1024, recordBytes: 250, keys: 3_000_000, rounds: 4 };
    const phases = await live(["--max-old-space-size=256"], log);
    console.log(phases.map((phase) => JSON.stringify(phase)).join("\n"));
    expect(of(phases, "read").records).toBe(of(phases, "append").records);
    for (const { phase, rssMib } of phases) expect([phase, rssMib < 900]).toEqual([phase, true]);
  },
  3_600_000,
);
