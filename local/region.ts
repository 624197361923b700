import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Dynoxide, startDynoxide } from "./dynoxide.ts";
import { type RegionProcess, startRegionProcess } from "./region-process.ts";

export type RegionState = "running" | "stopped" | "isolated";

export interface RegionParts {
  readonly name: string;
  readonly brokerId: number;
  readonly folder: string;
  /** Makes the tables of a store, unless they are there. */
  prepare(endpoint: string): Promise<void>;
  /** The environment of the region's process, where its own store is at `endpoint`. */
  environment(endpoint: string): Record<string, string | undefined>;
  /** It was isolated and is not any more. */
  healed(): void;
  say(line: string): void;
}

/** One region: its store, the process that runs its functions, and how both fare. */
export class Region {
  readonly name: string;
  readonly brokerId: number;
  readonly #parts: RegionParts;
  #state: RegionState = "stopped";
  #delayMs = 0;
  #store: Dynoxide | undefined;
  #process: RegionProcess | undefined;
  /** Changes come one after the other. */
  #changing: Promise<unknown> = Promise.resolve();

  constructor(parts: RegionParts) {
    this.name = parts.name;
    this.brokerId = parts.brokerId;
    this.#parts = parts;
  }

  get state(): RegionState {
    return this.#state;
  }

  /** So long takes what crosses to and from it, each way. */
  get delayMs(): number {
    return this.#delayMs;
  }

  /** Where its store answers; undefined: it is gone. */
  get storePort(): number | undefined {
    return this.#store === undefined ? undefined : Number(new URL(this.#store.endpoint).port);
  }

  /** Where its functions answer; undefined: it is gone. */
  get servingPort(): number | undefined {
    return this.#process?.port;
  }

  /** Brings it back, from being stopped or isolated. Errors: StartupError; it is stopped then. */
  start(): Promise<void> {
    return this.#change(async () => {
      const before = this.#state;
      if (before === "stopped") await this.#open();
      this.#state = "running";
      if (before === "isolated") this.#parts.healed();
    });
  }

  /** Kills it as a power cut does. */
  stop(): Promise<void> {
    return this.#change(() => this.#kill());
  }

  /** Cuts it off from all that is not in the region. False: it is stopped. */
  isolate(): Promise<boolean> {
    return this.#change(async () => {
      if (this.#state === "stopped") return false;
      this.#state = "isolated";
      return true;
    });
  }

  slow(delayMs: number): void {
    this.#delayMs = delayMs;
  }

  /** Ends it for good, requests at work answered. */
  close(): Promise<void> {
    return this.#change(async () => {
      const [process, store] = [this.#process, this.#store];
      this.#forget();
      await process?.stop();
      await store?.stop();
    });
  }

  #change<T>(change: () => Promise<T>): Promise<T> {
    const changed = this.#changing.then(change);
    this.#changing = changed.catch(() => {});
    return changed;
  }

  async #open(): Promise<void> {
    const { name, folder, prepare, environment, say } = this.#parts;
    try {
      mkdirSync(folder, { recursive: true });
      const store = await startDynoxide(join(folder, "dynamodb.db"));
      this.#store = store;
      await prepare(store.endpoint);
      const process = await startRegionProcess(name, folder, environment(store.endpoint), say);
      this.#process = process;
      void store.ended.then(() => this.#store === store && this.#lose("store"));
      void process.ended.then(() => this.#process === process && this.#lose("process"));
    } catch (error) {
      await this.#kill();
      throw error;
    }
  }

  /** Without its store, or without its process, a region is gone as a whole. */
  #lose(what: string): void {
    this.#parts.say(`millrace: region ${this.name} is stopped: its ${what} ended`);
    void this.stop();
  }

  async #kill(): Promise<void> {
    const [process, store] = [this.#process, this.#store];
    this.#forget();
    await Promise.all([process?.kill(), store?.kill()]);
  }

  #forget(): void {
    this.#state = "stopped";
    this.#process = undefined;
    this.#store = undefined;
  }
}
