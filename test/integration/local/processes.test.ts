import { type ChildProcess, spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processesOf, type RunningService, startServiceProcess, temporaryFolder } from "../../fixtures/service.ts";

/** What the service promises about processes: none is left, however any of them ends. */
let data: ReturnType<typeof temporaryFolder>;
const children: ChildProcess[] = [];
beforeEach(() => {
  data = temporaryFolder();
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
  data.remove();
});

async function start(): Promise<RunningService> {
  const service = await startServiceProcess(["--port", "0", "--data", data.path]);
  children.push(service.process);
  return service;
}

function launch(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, [...args, "--port", "0", "--data", data.path], {
    stdio: ["ignore", "pipe", "ignore"],
    env: { ...process.env, AWS_ENDPOINT_URL: "", AWS_ENDPOINT_URL_DYNAMODB: "" },
  });
  children.push(child);
  return child;
}

/** The embedded DynamoDB itself; the watchdog has its path as an argument. */
function dynoxidePid(): number | undefined {
  const line = processesOf(data.path).find(
    (found) => / \S*\/dynoxide serve /.test(found) && !found.includes("/bin/sh"),
  );
  return line === undefined ? undefined : Number.parseInt(line, 10);
}

async function until(holds: () => boolean, ms: number): Promise<boolean> {
  for (const end = performance.now() + ms; performance.now() < end && !holds(); ) await sleep(10);
  return holds();
}

const allGone = (ms: number) => until(() => processesOf(data.path).length === 0, ms);

describe("the processes of the local service", () => {
  it("are gone after kill -9 at any moment of its start", async () => {
    for (const afterMs of [0, 5, 30]) {
      const child = launch(process.execPath, ["local/main.ts"]);
      expect(await until(() => dynoxidePid() !== undefined, 10_000)).toBe(true);
      await sleep(afterMs);
      child.kill("SIGKILL");
      expect([afterMs, await allGone(2_000), processesOf(data.path)]).toEqual([afterMs, true, []]);
    }
  });

  it("are gone after kill -9 even if the embedded DynamoDB hangs", async () => {
    const service = await start();
    process.kill(dynoxidePid()!, "SIGSTOP");
    await service.stop("SIGKILL");
    expect(await allGone(2_000)).toBe(true);
  });

  it("are gone after kill -9 of npm, which started it", async () => {
    const npm = launch("npm", ["start", "--"]);
    await new Promise<void>((resolve) =>
      npm.stdout!.on("data", (text: Buffer) => text.includes("Millrace is ready") && resolve()),
    );
    expect(dynoxidePid()).toBeGreaterThan(0);
    npm.kill("SIGKILL");
    expect(await allGone(4_000)).toBe(true);
  });

  it("end with one line and exit code 1 when the embedded DynamoDB dies", async () => {
    const service = await start();
    process.kill(dynoxidePid()!, "SIGKILL");
    const ended = await new Promise((resolve) => service.process.once("exit", resolve));
    const { output } = await service.stop();
    expect([ended, output.trim().split("\n")]).toEqual([
      1,
      [`Millrace is ready: ${service.url}`, expect.stringMatching(/^millrace: the embedded DynamoDB ended/)],
    ]);
    expect(await allGone(2_000)).toBe(true);
  });

  it("end well on Ctrl-C under npm, which sends the signal twice", async () => {
    const service = await start();
    // With the store stopped, stopping takes long enough for the second signal to come in the middle of it.
    const pid = dynoxidePid()!;
    process.kill(pid, "SIGSTOP");
    service.process.kill("SIGINT");
    await sleep(50);
    const stopped = service.stop("SIGINT");
    await sleep(200);
    process.kill(pid, "SIGCONT");
    expect((await stopped).code).toBe(0);
  });

  it("end at once on a second signal that is meant", async () => {
    const service = await start();
    process.kill(dynoxidePid()!, "SIGSTOP");
    service.process.kill("SIGTERM");
    await sleep(700);
    expect((await service.stop("SIGTERM")).code).toBe(130);
    expect(await allGone(2_000)).toBe(true);
  });
});
