import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** Says what an answer would be before the request goes on: 200 lets it through. */
export type Gate = (request: IncomingMessage) => Promise<number>;

/**
 * What becomes of a request that has passed the gate: an answer that the service knows nothing of, or one that is lost
 * when the service has done its work: to a status in its place, or with the connection.
 */
export type Fault = { readonly instead: number; readonly body?: unknown } | { readonly after: number } | "cut" | "none";

/** What stands between producers and the service on AWS: lets in or not, and fails now and then. */
export class Gateway {
  /** Statuses of the answers, in order; 0 where there was none. */
  readonly answered: number[] = [];
  /** Used up one by one. */
  readonly faults: Fault[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(service: string, gate: Gate): Promise<Gateway> {
    const gateway = new Gateway(createServer());
    gateway.#server.on("request", (request, response) => void gateway.#answer(service, gate, request, response));
    await new Promise<void>((resolve) => gateway.#server.listen(0, "127.0.0.1", resolve));
    return gateway;
  }

  /** With a stage, as API Gateway's own host has it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/prod`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(service: string, gate: Gate, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await buffer(request);
    const end = (status: number, text = `{"message":"${status}"}`) => {
      this.answered.push(status);
      response.writeHead(status, { "content-type": "application/json" }).end(text);
    };
    const allowed = await gate(request);
    if (allowed !== 200) return end(allowed);
    const fault = this.faults.shift();
    if (typeof fault === "object" && "instead" in fault) {
      return end(fault.instead, fault.body === undefined ? undefined : JSON.stringify(fault.body));
    }
    const headers = Object.entries(request.headers).filter(([name]) => /^(content-type|producer-)/.test(name));
    const answer = await fetch(service + request.url!.replace(/^\/prod/, ""), {
      method: request.method!,
      headers: headers as [string, string][],
      body: body.length === 0 ? null : body,
    });
    const text = await answer.text();
    if (fault === undefined || fault === "none") return end(answer.status, text);
    if (fault !== "cut") return end(fault.after);
    this.answered.push(0);
    request.socket.destroy();
  }
}
