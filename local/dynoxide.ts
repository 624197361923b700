import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { type AddressInfo, connect, createServer } from "node:net";
import { dirname, join } from "node:path";
import { StartupError } from "./startup-error.ts";

const HOST = "127.0.0.1";
const READY_WITHIN_MS = 15_000;
const POLL_MS = 10;

/**
 * Runs the command given to it until its input ends, which it does however the process at the other end of the pipe
 * dies: SIGKILL leaves nobody else to stop the child.
 */
const WATCHDOG = `"$@" </dev/null & child=$!
trap 'kill $child 2>/dev/null; wait $child; exit 0' TERM INT
{ cat >/dev/null; kill $child 2>/dev/null; } <&3 &
wait $child`;

export interface Dynoxide {
  readonly endpoint: string;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Starts the embedded DynamoDB, on a file or in memory, and waits until it answers. Errors: StartupError. */
export async function startDynoxide(file: string | undefined): Promise<Dynoxide> {
  const binary = dynoxideBinary();
  const port = await freePort();
  const serve = ["serve", "--host", HOST, "--port", String(port), ...(file === undefined ? [] : ["--db-path", file])];
  const child = spawn("/bin/sh", ["-c", WATCHDOG, "millrace-watchdog", binary, ...serve], {
    stdio: ["ignore", "ignore", "pipe", "pipe"],
    // A group of its own: Ctrl-C is for the service, which stops it when all requests are answered.
    detached: true,
  });
  const complaints: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (text: string) => complaints.push(text.slice(0, 1000)));
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  if (!(await answers(port, child, ended))) {
    await stop(child, ended);
    throw new StartupError(
      `the embedded DynamoDB did not start: ${complaints.join("").trim().split("\n").at(-1) ?? ""}`,
    );
  }
  return { endpoint: `http://${HOST}:${port}`, ended, stop: () => stop(child, ended) };
}

/** The binary of this platform, as Dynoxide's packages are called. */
function dynoxideBinary(): string {
  const name = `@dynoxide/${process.platform}-${process.arch}`;
  try {
    return join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), "dynoxide");
  } catch {
    throw new StartupError(
      `the embedded DynamoDB for this platform is missing: npm install --no-save ${name}, or set AWS_ENDPOINT_URL to a DynamoDB`,
    );
  }
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

async function answers(port: number, child: ChildProcess, ended: Promise<void>): Promise<boolean> {
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  for (let waitedMs = 0; waitedMs < READY_WITHIN_MS && !hasEnded && child.pid !== undefined; waitedMs += POLL_MS) {
    if (await connects(port)) return true;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  return false;
}

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, HOST, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill("SIGTERM");
  const killed = setTimeout(() => child.pid !== undefined && killGroup(child.pid), 5_000);
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
