import { setTimeout as sleep } from "node:timers/promises";
import { handler as fetch } from "../lambdas/fetch/handler.ts";
import { processBroker } from "../lambdas/process-broker.ts";
import { handler as produce } from "../lambdas/produce/handler.ts";
import { startBackgroundWork } from "./background-work.ts";
import { startHttpServer } from "./http-server.ts";
import type { Options } from "./options.ts";
import { openStores } from "./stores.ts";

/** What goes on behind answered requests gets so long to end when the service stops. */
const SETTLE_WITHIN_MS = 10_000;

export interface Service {
  readonly url: string;
  /** Resolves if the service cannot go on: its store is gone. */
  readonly failed: Promise<void>;
  stop(): Promise<void>;
}

/** Opens the stores and serves the Lambda handlers over them. Errors: StartupError; nothing is left running then. */
export async function startService(options: Options, say: (line: string) => void): Promise<Service> {
  const stores = await openStores(options, say);
  try {
    const server = await startHttpServer(options.host, options.port, { produce, fetch });
    const stopBackgroundWork = startBackgroundWork(stores.isEmbedded);
    let isStopping = false;
    return {
      url: server.url,
      failed: stores.ended.then(() => (isStopping ? new Promise<never>(() => {}) : undefined)),
      stop: async () => {
        isStopping = true;
        await server.close();
        const settled = Promise.all([processBroker().background.settled(), stopBackgroundWork()]).then(() => true);
        if (!(await Promise.race([settled, sleep(SETTLE_WITHIN_MS, false, { ref: false })]))) {
          say(`millrace: background work was cut off after ${SETTLE_WITHIN_MS / 1000} s`);
        }
        await stores.close();
      },
    };
  } catch (error) {
    await stores.close();
    throw error;
  }
}
