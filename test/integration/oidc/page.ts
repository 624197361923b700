import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const PAGE = "docs/other-clouds.md";
const RUN_WITHIN_MS = 60_000;

export interface Block {
  readonly language: string;
  readonly text: string;
}

/** The code blocks of the page on other clouds. */
export function blocks(language: string): string[] {
  const found = [...readFileSync(PAGE, "utf8").matchAll(/^```(\w+)\n(.*?)^```$/gms)];
  return found.filter(([, of]) => of === language).map(([, , text]) => text!);
}

/** Writes the page's programs into a folder, each under the name in its first line. Answers the names. */
export function writePrograms(folder: string): string[] {
  writeFileSync(join(folder, "package.json"), '{"type":"module"}');
  return blocks("ts").map((text) => {
    const name = /^\/\/ ([\w-]+\.ts)\n/.exec(text)![1]!;
    writeFileSync(join(folder, name), text);
    return name;
  });
}

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs node on what is in the folder, with this environment and no other. */
export function run(folder: string, args: readonly string[], env: Record<string, string>): Promise<Ran> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { PATH: process.env["PATH"], ...env },
    timeout: RUN_WITHIN_MS,
  });
  const text = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (part: string) => {
      text[name] += part;
    });
  }
  return new Promise((resolve) => child.once("close", (code) => resolve({ code, ...text })));
}
