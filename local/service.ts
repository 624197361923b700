import type { Options } from "./options.ts";
import { serve } from "./serve.ts";
import { openStores } from "./stores.ts";

export interface Service {
  readonly url: string;
  /** The ports of all regions, where there are several; `url` is the first one's. */
  readonly regions?: readonly { readonly name: string; readonly url: string }[];
  /** Resolves if the service cannot go on: its store is gone. */
  readonly failed: Promise<void>;
  stop(): Promise<void>;
}

/** Opens the stores and serves the Lambda handlers over them. Errors: StartupError; nothing is left running then. */
export async function startService(options: Options, say: (line: string) => void): Promise<Service> {
  const stores = await openStores(options, say);
  try {
    const serving = await serve(options.host, options.port, stores.isEmbedded, say);
    let isStopping = false;
    return {
      url: serving.url,
      failed: stores.ended.then(() => (isStopping ? new Promise<never>(() => {}) : undefined)),
      stop: async () => {
        isStopping = true;
        await serving.stop();
        await stores.close();
      },
    };
  } catch (error) {
    await stores.close();
    throw error;
  }
}
