import { setTimeout as sleep } from "node:timers/promises";
import { processesOf, type RunningService, startServiceProcess } from "../../fixtures/service.ts";

export const REGIONS = ["us-east-1", "us-west-2", "eu-west-1"] as const;

/** Short enough for a test, long enough for a loaded machine: a lease that runs out is harmless where the region answers. */
const HURRIED = { MILLRACE_LEASE_MS: "1500", MILLRACE_REGIONS_EVERY_MS: "200" };
const ANSWER_WITHIN_MS = 30_000;

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
export type Answer = { status: number; body: any };

export interface ReadRecord {
  readonly offset: number;
  readonly value: string;
}

export interface Leadership {
  readonly leader: number;
  readonly inSync: readonly number[];
}

/** The service with several regions in a process of its own, and what tests ask of it. */
export class RegionCluster {
  readonly service: RunningService;
  readonly folder: string;
  readonly regions: readonly string[];
  readonly #urls: ReadonlyMap<string, string>;
  readonly #cluster: string;

  private constructor(service: RunningService, folder: string, urls: ReadonlyMap<string, string>, cluster: string) {
    this.service = service;
    this.folder = folder;
    this.regions = [...urls.keys()];
    this.#urls = urls;
    this.#cluster = cluster;
  }

  static async start(folder: string, regions: readonly string[] = REGIONS, env = {}): Promise<RegionCluster> {
    const args = ["--port", "0", "--data", folder, "--regions", regions.join(",")];
    const service = await startServiceProcess(args, { ...HURRIED, ...env });
    const { body } = await request(`${service.url}/local/regions`);
    const urls = new Map<string, string>(
      body.regions.map((found: { region: string; url: string }) => [found.region, found.url]),
    );
    const clusters = await request(`${service.url}/v3/clusters`);
    return new RegionCluster(service, folder, urls, `/v3/clusters/${clusters.body.data[0].cluster_id}`);
  }

  /** Where a region's endpoint is. */
  url(region: string): string {
    return this.#urls.get(region)!;
  }

  /** The region of a broker. */
  regionOf(brokerId: number): string {
    return this.regions[brokerId - 1]!;
  }

  /** At a region's endpoint, under the cluster's path; status 0: it broke off. */
  call(region: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
    return request(`${this.#urls.get(region)}${this.#cluster}${path}`, body, headers).catch(() => ({
      status: 0,
      body: undefined,
    }));
  }

  /** `POST /local/regions/{region}/{action}`, at the endpoint of any region. */
  control(region: string, action: string, at = this.regions[0]!): Promise<Answer> {
    return request(`${this.#urls.get(at)}/local/regions/${region}/${action}`, {});
  }

  async states(): Promise<Record<string, string>> {
    const { body } = await request(`${this.service.url}/local/regions`);
    return Object.fromEntries(
      body.regions.map((found: { region: string; state: string }) => [found.region, found.state]),
    );
  }

  produce(region: string, topic: string, partition: number, value: string, acks = "all", timeoutMs = 20_000) {
    const path = `/topics/${topic}/partitions/${partition}/records?acks=${acks}&timeout_ms=${timeoutMs}`;
    return this.call(region, path, { value: { type: "STRING", data: value } });
  }

  async leadership(region: string, topic: string, partition: number): Promise<Leadership | undefined> {
    const { status, body } = await this.call(region, `/topics/${topic}/partitions/${partition}/replicas`);
    if (status !== 200) return undefined;
    const replicas = body.data as { broker_id: number; is_leader: boolean; is_in_sync: boolean }[];
    return {
      leader: replicas.find(({ is_leader }) => is_leader)!.broker_id,
      inSync: replicas.filter(({ is_in_sync }) => is_in_sync).map(({ broker_id }) => broker_id),
    };
  }

  /** All that a consumer sees of a partition at a region's endpoint. Throws where it is told of a failure. */
  async readAll(region: string, topic: string, partition: number): Promise<ReadRecord[]> {
    const found: ReadRecord[] = [];
    for (let offset = 0; ; ) {
      const path = `/topics/${topic}/partitions/${partition}/records?offset=${offset}`;
      const { status, body } = await this.call(region, path);
      if (status !== 200)
        throw new Error(`reading ${topic}-${partition} at ${offset}: ${status} ${JSON.stringify(body)}`);
      for (const { offset: at, value } of body.data) found.push({ offset: at, value: value.data });
      // Not before a look at the very end: what a region knows of the highWatermark may be a little old.
      if (body.metadata.next_offset === offset) return found;
      offset = body.metadata.next_offset;
    }
  }

  /** The process of a region's store itself; its watchdog has the same arguments. */
  storePid(region: string): number | undefined {
    const isStore = (line: string) => /^\s*\d+ \S*\/dynoxide serve /.test(line) && line.includes(`/regions/${region}/`);
    const line = processesOf(this.folder).find(isStore);
    return line === undefined ? undefined : Number.parseInt(line, 10);
  }
}

/** Whether it came to hold within the time; what it throws counts as not yet. */
export async function eventually(holds: () => Promise<boolean> | boolean, withinMs = 30_000): Promise<boolean> {
  for (const end = performance.now() + withinMs; performance.now() < end; await sleep(50)) {
    if (await Promise.resolve(holds()).catch(() => false)) return true;
  }
  return false;
}

async function request(url: string, body?: object, headers: Record<string, string> = {}): Promise<Answer> {
  const sent = { "content-type": "application/json", ...headers };
  const post = body === undefined ? {} : { method: "POST", headers: sent, body: JSON.stringify(body) };
  const response = await fetch(url, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS), ...post });
  const text = await response.text();
  return { status: response.status, body: text === "" ? undefined : JSON.parse(text) };
}
