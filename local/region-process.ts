import { fileURLToPath } from "node:url";
import { StartupError } from "./startup-error.ts";
import { startWatched } from "./watched-process.ts";

const MAIN = fileURLToPath(new URL("region-main.ts", import.meta.url));
const READY_WITHIN_MS = 30_000;
/** What it promises itself when it is told to stop, and a little more. */
const STOP_WITHIN_MS = 25_000;

/** The process that runs one region's functions. */
export interface RegionProcess {
  /** Where it serves HTTP, on this machine. */
  readonly port: number;
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** `folder`: the region's, so that whoever lists processes knows them apart. Errors: StartupError. */
export async function startRegionProcess(
  region: string,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  say: (line: string) => void,
): Promise<RegionProcess> {
  const child = startWatched(process.execPath, [MAIN, region, folder], env);
  byLine(child.stderr, (line) => say(`[${region}] ${line}`));
  const ready = new Promise<number | undefined>((resolve) => {
    byLine(child.stdout, (line) => resolve(Number(/^serving on (\d+)$/.exec(line)?.[1])));
    void child.ended.then(() => resolve(undefined));
    setTimeout(() => resolve(undefined), READY_WITHIN_MS).unref();
  });
  const port = await ready;
  if (port === undefined) {
    await child.kill();
    throw new StartupError(`the process of region ${region} did not start`);
  }
  return { port, ended: child.ended, stop: () => child.stop(STOP_WITHIN_MS), kill: () => child.kill() };
}

/** A line that never ends is told in pieces. */
function byLine(stream: NodeJS.ReadableStream, tell: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    if (rest.length > 100_000) lines.push(rest);
    if (rest.length > 100_000) rest = "";
    for (const line of lines) tell(line);
  });
}
