import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { StartupError } from "./startup-error.ts";

const DRAIN_WITHIN_MS = 10_000;

/** A client that keeps connections in a pool for up to a minute finds them open, as with API Gateway's own. */
export const CONNECTION_LIMITS = { requestTimeout: 60_000, headersTimeout: 10_000, keepAliveTimeout: 75_000 };

export interface ListeningServer {
  readonly url: string;
  /** Takes no more requests and resolves when those at work are answered, or cut off after 10 s. `stopping`: called before it waits for them. */
  close(stopping?: () => void): Promise<void>;
}

/** Errors: StartupError that says what is in the way. */
export async function listen(server: Server, host: string, port: number): Promise<ListeningServer> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const why =
        error.code === "EADDRINUSE"
          ? "is taken: choose another by --port"
          : `cannot be had: ${error.message} (--host, --port)`;
      reject(new StartupError(`port ${port} on ${host} ${why}`));
    });
    server.listen(port, host, resolve);
  });
  const { port: bound } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close: async (stopping) => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      stopping?.();
      server.closeIdleConnections();
      const cutOff = setTimeout(() => server.closeAllConnections(), DRAIN_WITHIN_MS);
      await closed;
      clearTimeout(cutOff);
    },
  };
}
