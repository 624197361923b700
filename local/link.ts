import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { slowed, type WayState } from "./slowed.ts";

const HOST = "127.0.0.1";
const CONNECT_WITHIN_MS = 5_000;

/** What a link is like just now; asked for each connection and each piece of what goes over it. */
export interface LinkState extends WayState {
  /** Port of what is at the other end; undefined: nothing is there, and connections break. */
  readonly port: number | undefined;
}

/** A way from one region to the store of another, or to the metadata, that can be cut and slowed. */
export class Link {
  readonly #state: () => LinkState;
  readonly #server: Server = createServer((socket) => this.#accept(socket));
  /** The near ends of all connections. */
  readonly #connections = new Set<Socket>();

  constructor(state: () => LinkState) {
    this.#state = state;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(0, HOST, resolve);
    });
    return `http://${HOST}:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections: what was lost on them does not come back when the link does. */
  reset(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  close(): void {
    this.#server.close();
    this.reset();
  }

  #accept(near: Socket): void {
    this.#connections.add(near);
    near.on("error", () => {});
    near.once("close", () => this.#connections.delete(near));
    const { port, isCut } = this.#state();
    if (isCut) {
      near.resume();
      return;
    }
    if (port === undefined) {
      near.destroy();
      return;
    }
    const far = connect({ port, host: HOST, noDelay: true });
    near.setNoDelay(true);
    far.setTimeout(CONNECT_WITHIN_MS, () => far.connecting && far.destroy());
    far.on("error", () => {});
    far.once("close", () => near.destroy());
    near.once("close", () => far.destroy());
    const ways = [slowed(this.#state), slowed(this.#state)] as const;
    near.pipe(ways[0]).pipe(far);
    far.pipe(ways[1]).pipe(near);
    near.once("close", () => {
      for (const way of ways) way.destroy();
    });
  }
}
