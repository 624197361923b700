import { createHash, createHmac, type Hash, type Hmac } from "node:crypto";
import http from "node:http";
import https from "node:https";
import { SignatureV4 } from "@smithy/signature-v4";
import { ENDPOINT, REGION } from "./deployment.ts";

const TIMEOUT_MS = 60_000;

export interface Sent {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** An object goes as JSON. */
  readonly body?: string | Uint8Array | object;
  /** Of AWS, for which it is signed; the deployments' one region unless told. */
  readonly region?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly bytes: Buffer;
  readonly text: string;
  /** The JSON in it. */
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
  readonly body: any;
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** What both emulators take for the account's root. */
export const ROOT: Credentials = { accessKeyId: "test", secretAccessKey: "test" };

/** Sends a request to the emulator, whatever the URL's scheme and host are; the host goes into the Host header. */
export function send(url: URL, { method, headers = {}, body }: Sent = {}): Promise<Answer> {
  const bytes = bytesOf(body);
  const options = {
    hostname: ENDPOINT.hostname,
    port: ENDPOINT.port,
    method: method ?? (bytes === undefined ? "GET" : "POST"),
    path: url.pathname + url.search,
    headers: {
      host: url.host,
      // MiniStack decodes an answer in base64 only for a request with an Accept, and takes a body without a Content-Type
      // for text; API Gateway, told that all media types are binary, needs neither.
      accept: "*/*",
      ...(bytes === undefined ? {} : { "content-type": "application/json", "content-length": bytes.length }),
      ...headers,
    },
    timeout: TIMEOUT_MS,
    agent: false,
  } as const;
  return new Promise((resolve, reject) => {
    const sent = (ENDPOINT.protocol === "https:" ? https : http).request(options, (response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("error", reject);
      response.on("end", () => resolve(answerOf(response, Buffer.concat(parts))));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer to ${options.method} ${url.href} in time`)));
    sent.on("error", reject);
    sent.end(bytes);
  });
}

/** Sends a request signed with Signature Version 4. */
export async function sendSigned(url: URL, service: string, sent: Sent = {}, credentials = ROOT): Promise<Answer> {
  const body = bytesOf(sent.body);
  const signer = new SignatureV4({ service, region: sent.region ?? REGION, credentials, sha256: Sha256 });
  const { headers } = await signer.sign({
    method: sent.method ?? (body === undefined ? "GET" : "POST"),
    protocol: url.protocol,
    hostname: url.host,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: {
      host: url.host,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...sent.headers,
    },
    body,
  });
  return send(url, { ...sent, headers });
}

function bytesOf(body: Sent["body"]): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
}

function answerOf({ statusCode, headers }: http.IncomingMessage, bytes: Buffer): Answer {
  const text = bytes.toString();
  return {
    status: statusCode!,
    headers,
    bytes,
    text,
    get body() {
      return JSON.parse(text);
    },
  };
}

/** SHA-256 as the signer takes it. */
class Sha256 {
  readonly #hash: Hash | Hmac;

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = secret === undefined ? createHash("sha256") : createHmac("sha256", secret as Uint8Array);
  }

  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }

  reset(): void {}
}
