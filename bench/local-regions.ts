import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startRegions } from "../local/regions.ts";

export const REGIONS = ["us-east-1", "us-west-2", "eu-west-1"] as const;
const ANSWER_WITHIN_MS = 40_000;

// biome-ignore lint/suspicious/noExplicitAny: a bench ends with an error where a field is missing
export type Answer = { readonly status: number; readonly body: any };

/** The local service with three regions, as `npm start -- --regions` runs it, on a folder of its own. */
export interface LocalRegions {
  /** At a region's endpoint; status 0: it broke off. */
  call(region: string, path: string, body?: object): Promise<Answer>;
  /** The same under the cluster's path. */
  v3(region: string, path: string, body?: object): Promise<Answer>;
  stop(): Promise<void>;
}

export async function startLocalRegions(say: (line: string) => void = () => {}): Promise<LocalRegions> {
  const data = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const service = await startRegions({ host: "127.0.0.1", port: 0, data, regions: REGIONS }, say);
  const urls = new Map(service.regions!.map(({ name, url }) => [name, url]));
  const call = async (region: string, path: string, body?: object): Promise<Answer> => {
    const post = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    try {
      const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
      const response = await fetch(`${urls.get(region)}${path}`, { signal, ...(body === undefined ? {} : post) });
      const text = await response.text();
      return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
    } catch {
      return { status: 0, body: undefined };
    }
  };
  const { body } = await call(REGIONS[0], "/v3/clusters");
  const cluster = `/v3/clusters/${body.data[0].cluster_id}`;
  return {
    call,
    v3: (region, path, sent) => call(region, `${cluster}${path}`, sent),
    stop: async () => {
      await service.stop();
      rmSync(data, { recursive: true, force: true });
    },
  };
}
