import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { StartupError } from "./startup-error.ts";

/**
 * A data folder belongs to the regions that it was begun with: broker ids are their places in the list, and what one region
 * alone keeps lies elsewhere in it. Errors: StartupError for others; undefined is a service without --regions.
 */
export function claimDataFolder(folder: string, regions: readonly string[] | undefined): void {
  const file = join(folder, "regions.txt");
  const kept = existsSync(file) ? readFileSync(file, "utf8").trim() : undefined;
  const asked = regions?.join(",");
  if (kept === asked && kept !== undefined) return;
  const other = "or choose another folder by --data";
  if (kept !== undefined)
    throw new StartupError(`${folder} is of other regions: start with --regions ${kept}, ${other}`);
  if (asked === undefined) return;
  if (existsSync(join(folder, "dynamodb.db"))) {
    throw new StartupError(`${folder} is of a service without regions: start without --regions, ${other}`);
  }
  writeFileSync(file, `${asked}\n`);
}
