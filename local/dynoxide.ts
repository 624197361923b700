import { type ChildProcess, spawn } from "node:child_process";
import { type AddressInfo, createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { dynoxideBinary } from "./dynoxide-binary.ts";
import { StartupError } from "./startup-error.ts";

const HOST = "127.0.0.1";
const READY_WITHIN_MS = 15_000;
const POLL_MS = 10;
const STOP_WITHIN_MS = 5_000;
/** Between choosing a free port and binding it somebody else may take it. */
const MAX_PORTS = 3;

/**
 * Runs the command given to it until its input, descriptor 3, ends: that is when the process at the other end dies, however
 * it dies. SIGKILL then, because nobody is left to see whether a gentler signal worked; SQLite's log is made for it. The
 * reader is ended with the command, so that it never kills a later process of the same id.
 */
const WATCHDOG = `"$@" </dev/null 3<&- & child=$!
{ read -r _; kill -KILL $child 2>/dev/null; } <&3 & reader=$!
trap 'kill -TERM $child 2>/dev/null' TERM INT HUP
while kill -0 $child 2>/dev/null; do wait $child; done
kill -KILL $reader 2>/dev/null`;

export interface Dynoxide {
  readonly endpoint: string;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

interface Running extends Dynoxide {
  readonly child: ChildProcess;
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
  const child = spawn("/bin/sh", ["-c", WATCHDOG, "millrace-watchdog", binary, ...serve], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    // A group of its own: Ctrl-C is for the service, which stops it when all requests are answered.
    detached: true,
    // Nothing of the user's environment: their AWS credentials may be in it.
    env: { PATH: process.env["PATH"], TMPDIR: process.env["TMPDIR"] },
  });
  let tail = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    tail = (tail + text).slice(-1_000);
  });
  let isOver = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      isOver = true;
      resolve();
    };
    child.once("exit", end);
    child.once("error", end);
  });
  return {
    child,
    endpoint: `http://${HOST}:${port}`,
    ended,
    lastLine: () => tail.trim().split("\n").at(-1) ?? "",
    hasEnded: () => isOver,
    stop: () => stop(child, ended),
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

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const killed = setTimeout(() => child.pid !== undefined && killGroup(child.pid), STOP_WITHIN_MS);
  await ended;
  clearTimeout(killed);
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}
