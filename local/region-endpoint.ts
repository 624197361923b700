import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { pipeline } from "node:stream";
import { HttpError } from "../shared/http/http-error.ts";
import { CONNECTION_LIMITS, listen } from "./listening-server.ts";
import type { Region } from "./region.ts";
import { CONTROL_PATH } from "./region-control.ts";
import { StartupError } from "./startup-error.ts";

/** A little longer than the region's own process answers within. */
const ANSWER_WITHIN_MS = 35_000;
/** Of one connection, not of what is passed on: RFC 9110, 7.6.1. This end has also answered what is expected. */
const OF_THE_CONNECTION = new Set(["connection", "keep-alive", "proxy-connection", "upgrade", "te", "expect"]);

export interface RegionEndpoint {
  readonly url: string;
  close(): Promise<void>;
}

type Control = (method: string, url: URL) => Promise<object>;

/**
 * One region's public port. What comes there is passed on to the region's process, while there is one; requests that make regions
 * fail are answered here, whatever became of the region. Errors: StartupError if the port is taken.
 */
export async function startRegionEndpoint(
  host: string,
  port: number,
  region: Region,
  control: Control,
): Promise<RegionEndpoint> {
  const agent = new Agent({ keepAlive: true });
  const server = createServer(CONNECTION_LIMITS, (request, response) => {
    const url = URL.parse(request.url ?? "/", "http://localhost");
    if (url !== null && (url.pathname === CONTROL_PATH || url.pathname.startsWith(`${CONTROL_PATH}/`))) {
      void answerControl(control, request.method ?? "GET", url, response);
    } else {
      passOn(region, agent, request, response);
    }
  });
  const { url, close } = await listen(server, host, port);
  return { url, close: () => close().finally(() => agent.destroy()) };
}

async function answerControl(control: Control, method: string, url: URL, response: ServerResponse): Promise<void> {
  try {
    const body = JSON.stringify(await control(method, url));
    response.writeHead(200, { "content-type": "application/json" }).end(`${body}\n`);
  } catch (error) {
    if (error instanceof HttpError) answerError(response, error);
    else if (error instanceof StartupError) answerError(response, new HttpError(500, 500, error.message));
    else throw error;
  }
}

function passOn(region: Region, agent: Agent, request: IncomingMessage, response: ServerResponse): void {
  const port = region.servingPort;
  if (port === undefined) {
    request.resume();
    answerError(response, isGone(region));
    return;
  }
  const headers = endToEnd(request.headersDistinct);
  const { method, url: path } = request;
  const onward = httpRequest({ host: "127.0.0.1", port, method, path, headers, agent, timeout: ANSWER_WITHIN_MS });
  onward.once("timeout", () => onward.destroy());
  onward.once("error", () => {
    if (response.headersSent) response.destroy();
    else answerError(response, region.servingPort === port ? failed(region) : isGone(region));
  });
  onward.once("response", (answer) => {
    response.writeHead(answer.statusCode ?? 502, endToEnd(answer.headersDistinct));
    pipeline(answer, response, () => {});
  });
  // A client that goes away ends its long poll.
  response.once("close", () => onward.destroy());
  pipeline(request, onward, () => {});
}

function endToEnd(headers: NodeJS.Dict<string[]>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = Object.create(null);
  for (const [name, values = []] of Object.entries(headers)) {
    if (!OF_THE_CONNECTION.has(name)) kept[name] = values.length === 1 ? values[0]! : values;
  }
  return kept;
}

function answerError(response: ServerResponse, error: HttpError): void {
  const { status, headers, body } = error.toResponse();
  response.writeHead(status, headers).end(body);
}

function isGone({ name }: Region): HttpError {
  return new HttpError(503, 50303, `region ${name} is stopped`, `use another, or POST ${CONTROL_PATH}/${name}/start`);
}

function failed({ name }: Region): HttpError {
  return new HttpError(502, 50002, `the process of region ${name} broke off`, "what was sent may have been done");
}
