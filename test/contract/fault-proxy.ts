import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What a request to DynamoDB meets on its way. */
export type Fault =
  /** Not applied, answered with this error of DynamoDB's, and what more it tells. */
  | { readonly error: string; readonly status?: number; readonly fields?: object }
  /** Not applied, answered with this. */
  | { readonly answer: object }
  /** The connection breaks before it is applied, after it was, or nothing ever comes. */
  | "lost"
  | "answer lost"
  | "silence"
  /** Applied after this has run. */
  | { readonly after: () => Promise<unknown> }
  /** Applied, its answer changed. */
  | { readonly change: (answer: Record<string, unknown>) => Record<string, unknown> };

interface Sent {
  readonly operation: string;
  readonly body: string;
}

/** DynamoDB's API in front of a store that has it, with faults that no emulator has. */
export class FaultProxy {
  /** Operations in the order in which they came: PutItem, Query ... */
  requests: string[] = [];
  /** Asked for each request; undefined: it goes through. */
  fault: (operation: string, count: number) => Fault | undefined = () => undefined;
  readonly #target: string;
  readonly #server = createServer((request, response) => void this.#handle(request, response));

  constructor(target: string) {
    this.#target = target;
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** Forgets what came and makes what comes next meet these faults; without any, none. */
  meet(fault: FaultProxy["fault"] = () => undefined): void {
    this.requests = [];
    this.fault = fault;
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = "";
    for await (const text of request.setEncoding("utf8")) body += text;
    const operation = String(request.headers["x-amz-target"]).split(".")[1] ?? "";
    this.requests.push(operation);
    const count = this.requests.filter((name) => name === operation).length;
    await this.#answer(this.fault(operation, count), { operation, body }, request, response);
  }

  async #answer(fault: Fault | undefined, sent: Sent, request: IncomingMessage, response: ServerResponse) {
    if (fault === "silence") return;
    if (fault === "lost") return void request.socket.destroy();
    const json = (status: number, value: object) =>
      response.writeHead(status, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(value));
    if (typeof fault === "object" && "error" in fault) {
      const __type = `com.amazonaws.dynamodb.v20120810#${fault.error}`;
      return void json(fault.status ?? 400, { __type, message: "a fault", ...fault.fields });
    }
    if (typeof fault === "object" && "answer" in fault) return void json(200, fault.answer);
    if (typeof fault === "object" && "after" in fault) await fault.after();
    const { status, answer } = await this.#forward(sent, request);
    if (fault === "answer lost") return void request.socket.destroy();
    json(status, typeof fault === "object" && "change" in fault ? fault.change(answer) : answer);
  }

  async #forward({ operation, body }: Sent, request: IncomingMessage) {
    const headers = {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `DynamoDB_20120810.${operation}`,
      authorization: request.headers.authorization ?? "",
      "x-amz-date": String(request.headers["x-amz-date"]),
    };
    const signal = AbortSignal.timeout(10_000);
    const answer = await fetch(this.#target, { method: "POST", headers, body, signal });
    return { status: answer.status, answer: (await answer.json()) as Record<string, unknown> };
  }
}
