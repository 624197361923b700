import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { takeDataFolder } from "../../../local/data-folder.ts";
import { StartupError } from "../../../local/startup-error.ts";
import { temporaryFolder } from "../../fixtures/service.ts";

let folder: ReturnType<typeof temporaryFolder>;
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => folder.remove());

async function complaint(path: string): Promise<string> {
  const error = await takeDataFolder(path).then(
    (taken) => taken.release(),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartupError);
  return (error as Error).message;
}

describe("a data folder", () => {
  it("is made with those above it, and is one process's until it lets go of it", async () => {
    const path = join(folder.path, "a", "b");
    const taken = await takeDataFolder(path);
    expect(await complaint(path)).toBe(`the data folder ${path} is in use by another Millrace`);
    taken.release();
    (await takeDataFolder(path)).release();
  });

  it("that is a file, or lies in one, is refused in one line", async () => {
    const file = join(folder.path, "file");
    writeFileSync(file, "");
    expect(await complaint(file)).toMatch(/^the data folder .*file cannot be used: it is no folder$/);
    expect(await complaint(join(file, "x"))).toMatch(/^the data folder .*x cannot be used: ENOTDIR[^\n]*$/);
  });

  // Root may write anywhere.
  it.skipIf(process.getuid?.() === 0)("that cannot be written to is refused in one line", async () => {
    const path = join(folder.path, "read-only");
    mkdirSync(path);
    chmodSync(path, 0o555);
    expect(await complaint(path)).toMatch(/^the data folder .*read-only cannot be used: EACCES[^\n]*$/);
    expect(await complaint(join(path, "x"))).toMatch(/^the data folder .*x cannot be used: EACCES[^\n]*$/);
  });

  // mkdir with `recursive` tries for ever there.
  it.runIf(process.platform === "linux")("that no file system makes is refused, and not tried for ever", async () => {
    expect(await complaint("/proc/self/millrace")).toMatch(
      /^the data folder \/proc\/self\/millrace cannot be used: ENOENT[^\n]*$/,
    );
  });
});
