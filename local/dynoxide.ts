import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { dynoxideBinary } from "./dynoxide-binary.ts";
import { StartupError } from "./startup-error.ts";
import { startWatched } from "./watched-process.ts";

const HOST = "127.0.0.1";
const READY_WITHIN_MS = 15_000;
const POLL_MS = 10;
const STOP_WITHIN_MS = 5_000;
/** Between choosing a free port and binding it somebody else may take it. */
const MAX_PORTS = 3;

export interface Dynoxide {
  readonly endpoint: string;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** As a power cut does. */
  kill(): Promise<void>;
}

interface Running extends Dynoxide {
  /** The last line it wrote, for whoever wonders why it ended. */
  lastLine(): string;
  hasEnded(): boolean;
}

/** Starts the embedded DynamoDB, on a file or in memory, and waits until it answers. Errors: StartupError. */
export async function startDynoxide(file: string | undefined): Promise<Dynoxide> {
  const binary = dynoxideBinary();
  let lastLine = "";
  for (let attempt = 0; attempt < MAX_PORTS; attempt++) {
    const running = run(binary, await freePort(), file);
    if (await answers(running)) return running;
    await running.stop();
    lastLine = running.lastLine();
  }
  throw new StartupError(`the embedded DynamoDB did not start: ${lastLine || "it does not answer"}`);
}

function run(binary: string, port: number, file: string | undefined): Running {
  const serve = ["serve", "--host", HOST, "--port", String(port), ...(file === undefined ? [] : ["--db-path", file])];
  // Nothing of the user's environment: their AWS credentials may be in it.
  const env = { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"] };
  const dynoxide = startWatched(binary, serve, env);
  let tail = "";
  dynoxide.stdout.resume();
  dynoxide.stderr.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-1_000);
  });
  return {
    endpoint: `http://${HOST}:${port}`,
    ended: dynoxide.ended,
    lastLine: () => tail.trim().split("\n").at(-1) ?? "",
    hasEnded: () => dynoxide.hasEnded(),
    stop: () => dynoxide.stop(STOP_WITHIN_MS),
    kill: () => dynoxide.kill(),
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers({ endpoint, hasEnded }: Running): Promise<boolean> {
  const deadline = Date.now() + READY_WITHIN_MS;
  while (Date.now() < deadline && !hasEnded()) {
    try {
      const answer = await fetch(endpoint, { signal: AbortSignal.timeout(1_000) });
      await answer.text();
      if (answer.ok) return !hasEnded();
    } catch {
      // Not yet.
    }
    await sleep(POLL_MS);
  }
  return false;
}
