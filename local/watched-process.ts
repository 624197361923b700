import { type ChildProcess, spawn } from "node:child_process";

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

/** A process that never outlives this one. */
export interface WatchedProcess {
  readonly stdout: NodeJS.ReadableStream;
  readonly stderr: NodeJS.ReadableStream;
  /** Resolves when it has ended, whoever ended it. */
  readonly ended: Promise<void>;
  hasEnded(): boolean;
  /** SIGTERM, and SIGKILL where that does not end it in time. */
  stop(withinMs: number): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
}

/** Starts a command in a group of its own: Ctrl-C is for the service, which stops it when all requests are answered. */
export function startWatched(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): WatchedProcess {
  const child = spawn("/bin/sh", ["-c", WATCHDOG, "millrace-watchdog", command, ...args], {
    stdio: ["ignore", "pipe", "pipe", "pipe"],
    detached: true,
    env,
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
  // The pipe breaks when the watchdog dies first.
  child.stdio[3]?.on("error", () => {});
  return {
    stdout: child.stdout!,
    stderr: child.stderr!,
    ended,
    hasEnded: () => isOver,
    stop: async (withinMs) => {
      child.kill("SIGTERM");
      const killed = setTimeout(() => killGroup(child), withinMs);
      await ended;
      clearTimeout(killed);
    },
    kill: async () => {
      killGroup(child);
      await ended;
    },
  };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It had ended by itself.
  }
}
