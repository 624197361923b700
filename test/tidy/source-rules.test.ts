import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", "*.ts"], {
  encoding: "utf8",
})
  .split("\n")
  // One that was moved or deleted stays in git's index until that is committed.
  .filter((file) => existsSync(file));
const source = (file: string) => readFileSync(file, "utf8");

describe("the sources", () => {
  it("are all seen by these rules", () => {
    expect(files.filter((file) => file.startsWith("shared/")).length).toBeGreaterThan(100);
  });

  it("stay under 300 lines a file", () => {
    expect(files.filter((file) => source(file).split("\n").length > 300)).toEqual([]);
  });

  it("are named after the one thing inside", () => {
    expect(files.filter((file) => /\b(utils?|helpers?|manager|base|misc|common)\b/.test(file))).toEqual([]);
  });

  it("take time and randomness as arguments below the adapters", () => {
    const core = files.filter((file) => /^shared\/(kafka|record|log|group|broker|http|oidc)\//.test(file));
    const impure = /\b(Date\.now|Math\.random|setTimeout|setInterval|performance\.now|randomUUID|randomBytes)\b/;
    expect(core.filter((file) => impure.test(source(file)))).toEqual([]);
  });

  it("never decide by the text of an error's message", () => {
    const matching = /\.message\.(includes|match|startsWith|endsWith)|\.test\(\w*\.?message\)/;
    expect(files.filter((file) => !file.startsWith("test/") && matching.test(source(file)))).toEqual([]);
  });
});
