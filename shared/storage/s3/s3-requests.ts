import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { responseTo } from "../signed-request.ts";
import { bucketUrl } from "./bucket-url.ts";
import { textOfElement } from "./s3-xml.ts";

/** What a bucket's requests are signed with, and where they go. */
export interface S3Connection {
  /** Whose region and credentials they have. */
  readonly client: Pick<DynamoDBClient, "config">;
  /** Of an emulator; S3's own in the client's region unless given. */
  readonly endpoint?: URL | undefined;
  /** The bucket in the path even where its name could be in the host's. */
  readonly isPathStyle?: boolean;
}

export interface S3Request {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** None: the bucket itself. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
}

export interface S3Answer {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

const ATTEMPTS = 3;
const FIRST_BACKOFF_MS = 100;

/** One for the process: its connections are kept alive, and none is made before the first request. */
const connections = new NodeHttpHandler({
  connectionTimeout: 1_000,
  // The request's time is up when its answer begins; the socket's also bounds a body that stops coming.
  requestTimeout: 12_000,
  socketTimeout: 12_000,
  throwOnRequestTimeout: true,
});

/**
 * Requests to one bucket, signed by what DynamoDB's client signs with: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
 * The body's hash is part of the signature, so that S3 takes no other body than was sent.
 *
 * Each may be repeated, since objects are written whole and stay as they are: up to three times where S3 or the way to it failed.
 * Errors: of the shape that storage-error.ts reads, with S3's code as their name.
 */
export class S3Requests {
  readonly #bucket: string;
  readonly #connection: S3Connection;

  constructor(bucket: string, connection: S3Connection) {
    this.#bucket = bucket;
    this.#connection = connection;
  }

  async send(request: S3Request): Promise<S3Answer> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#sendOnce(request);
      } catch (error) {
        const metadata = (error as S3Error).$metadata ?? {};
        const isPassing = isRepeatable(metadata.httpStatusCode, (error as S3Error).name);
        if (!isPassing || attempt === ATTEMPTS) throw Object.assign(error as S3Error, told(metadata, attempt));
        await new Promise((resolve) => setTimeout(resolve, Math.random() * FIRST_BACKOFF_MS * 2 ** attempt));
      }
    }
  }

  async #sendOnce({ method, key, query = {}, headers = {}, body }: S3Request): Promise<S3Answer> {
    const { client } = this.#connection;
    const url = bucketUrl(this.#bucket, await client.config.region(), this.#connection);
    const length = body === undefined ? {} : { "content-length": String(Buffer.byteLength(body)) };
    const request = {
      service: "s3",
      method,
      url,
      path: `/${key ?? ""}`,
      query,
      headers: { ...length, ...headers },
      body,
    };
    const response = await responseTo(client, request, connections);
    const answer = { headers: response.headers, body: await bytesOf(response.body) };
    // Completing an upload can fail after 200 was sent: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CompleteMultipartUpload.html
    const isFailed = response.statusCode >= 300 || (method === "POST" && answer.body.includes("<Error>"));
    if (isFailed && !isListOfErrors(answer.body)) throw s3Error(response.statusCode, answer);
    return answer;
  }
}

/** Deleting several objects answers 200 with what became of each. */
function isListOfErrors(body: Buffer): boolean {
  return body.includes("<DeleteResult");
}

interface S3Error extends Error {
  $metadata?: { httpStatusCode?: number; requestId?: string; attempts?: number };
}

function s3Error(status: number, { headers, body }: S3Answer): S3Error {
  const text = body.toString();
  const name = textOfElement(text, "Code") ?? `HTTP ${status}`;
  const httpStatusCode = status === 200 ? 500 : status;
  return Object.assign(new Error(textOfElement(text, "Message") ?? `S3 answered ${status}`), {
    name,
    $metadata: {
      httpStatusCode,
      ...(headers["x-amz-request-id"] === undefined ? {} : { requestId: headers["x-amz-request-id"] }),
    },
  });
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; without a status the request met no S3 at all. */
function isRepeatable(status: number | undefined, name: string): boolean {
  if (status === undefined) return name !== "CredentialsProviderError";
  return status >= 500 || status === 429 || ["RequestTimeout", "SlowDown", "OperationAborted"].includes(name);
}

function told(metadata: object, attempts: number) {
  return { $metadata: { ...metadata, attempts } };
}

async function bytesOf(body: AsyncIterable<Uint8Array> | undefined): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of body ?? []) parts.push(part);
  return parts.length === 1
    ? Buffer.from(parts[0]!.buffer, parts[0]!.byteOffset, parts[0]!.length)
    : Buffer.concat(parts);
}
