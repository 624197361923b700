import { HttpError } from "../shared/http/http-error.ts";
import type { Region } from "./region.ts";

/** What the local service has beyond Millrace's own routes: ways to make regions fail. */
export const CONTROL_PATH = "/local/regions";
const MAX_DELAY_MS = 60_000;
const ACTIONS = "stop, start, isolate or slow?ms=N";

export interface ControlledRegion {
  readonly region: Region;
  readonly url: string;
}

/** The state of all regions, or of the one that was changed. Errors: HttpError; StartupError for a start that fails. */
export async function control(regions: readonly ControlledRegion[], method: string, url: URL): Promise<object> {
  const [name, action, ...more] = url.pathname.slice(CONTROL_PATH.length).split("/").slice(1);
  if (name === undefined) {
    if (method !== "GET") throw new HttpError(405, 405, `${CONTROL_PATH} takes GET`);
    return { regions: regions.map(describe) };
  }
  const found = regions.find(({ region }) => region.name === name);
  if (found === undefined) {
    const names = regions.map(({ region }) => region.name).join(", ");
    throw new HttpError(404, 404, `there is no region ${name}`, `the regions are ${names}`);
  }
  if (action === undefined && method === "GET") return describe(found);
  if (method !== "POST") throw new HttpError(405, 405, `a region is changed by POST: ${ACTIONS}`);
  if (more.length > 0) throw unknownAction(more.join("/"));
  await change(found.region, action ?? "", url.searchParams);
  return describe(found);
}

async function change(region: Region, action: string, query: URLSearchParams): Promise<void> {
  if (action === "start") return region.start();
  if (action === "stop") return region.stop();
  if (action === "slow") return region.slow(delayOf(query));
  if (action !== "isolate") throw unknownAction(action);
  if (await region.isolate()) return;
  throw new HttpError(409, 409, `region ${region.name} is stopped`, "start it first");
}

function delayOf(query: URLSearchParams): number {
  const value = query.get("ms") ?? "";
  if (/^\d{1,5}$/.test(value) && Number(value) <= MAX_DELAY_MS) return Number(value);
  throw new HttpError(400, 400, `slow needs ms=N, 0 to ${MAX_DELAY_MS}`, "0 ends it");
}

function unknownAction(action: string): HttpError {
  return new HttpError(404, 404, `there is no ${JSON.stringify(action)} for a region`, `there are ${ACTIONS}`);
}

function describe({ region: { name, brokerId, state, delayMs, storePort }, url }: ControlledRegion) {
  const dynamodb_url = storePort === undefined ? null : `http://127.0.0.1:${storePort}`;
  return { region: name, broker_id: brokerId, url, state, slow_ms: delayMs, dynamodb_url };
}
