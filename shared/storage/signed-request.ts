import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SignatureV4 } from "@smithy/signature-v4";

/** Of an answer no more is read: it is an error's name, or nothing. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** A POST to one of AWS's services. */
export interface SignedRequest {
  /** As its signature names it, and its host name begins. */
  readonly service: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** The status of success. */
  readonly expected: number;
  /** Of an emulator; the service's own in the client's region unless given. */
  readonly endpoint: URL | undefined;
}

/**
 * Sends one request of one kind to a service that no client is brought along for, by the connections of DynamoDB's client, with that one's
 * time-outs. Errors: of the shape that storage-error.ts reads.
 */
export async function sendSigned(client: DynamoDBClient, request: SignedRequest): Promise<void> {
  const { service, path, headers, body, expected } = request;
  const url = request.endpoint ?? endpointOf(service, await client.config.region());
  const { requestHandler } = client.config;
  const signed = { service, method: "POST", url, path, headers, body };
  const { statusCode, headers: answered, body: answer } = await responseTo(client, signed, requestHandler);
  // Read to its end, so that the connection is free for the next one.
  const text = await textOf(answer);
  if (statusCode === expected) return;
  const name = answered["x-amzn-errortype"]?.split(":")[0] || nameIn(text) || `HTTP ${statusCode}`;
  throw Object.assign(new Error(`${service} answered ${statusCode}`), {
    name,
    $metadata: { httpStatusCode: statusCode, requestId: answered["x-amzn-requestid"] },
  });
}

/** What is signed and sent, to the last header. */
export interface RequestToSign {
  readonly service: string;
  readonly method: string;
  /** Where `path` begins. */
  readonly url: URL;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string | undefined;
}

/** Signed by what DynamoDB's client signs with (credentials, region, hash), and sent by `connections`. The body of the answer is still to be read. */
export async function responseTo(
  { config }: Pick<DynamoDBClient, "config">,
  { service, method, url, path, query = {}, headers, body }: RequestToSign,
  connections: DynamoDBClient["config"]["requestHandler"],
) {
  const { credentials, region: regionOf, sha256 } = config;
  // S3 alone takes paths as they are.
  const signer = new SignatureV4({
    service,
    region: await regionOf(),
    credentials,
    sha256,
    uriEscapePath: service !== "s3",
  });
  const { protocol, hostname, port, host, pathname } = url;
  const signed = await signer.sign({
    method,
    protocol,
    hostname,
    ...(port === "" ? {} : { port: Number(port) }),
    path: `${pathname.replace(/\/$/, "")}${path}`,
    query: { ...query },
    headers: { host, ...headers },
    body,
  });
  return (await connections.handle(signed as Parameters<typeof connections.handle>[0])).response;
}

/** Where the SDK's own variables say that a service is: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html */
export function givenEndpoint(
  variables: Readonly<Record<string, string | undefined>>,
  serviceId: "LAMBDA" | "EVENTBRIDGE" | "S3",
): URL | undefined {
  const endpoint = variables[`AWS_ENDPOINT_URL_${serviceId}`] || variables["AWS_ENDPOINT_URL"] || undefined;
  return endpoint === undefined ? undefined : new URL(endpoint);
}

function endpointOf(service: string, region: string): URL {
  return new URL(`https://${service}.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`);
}

async function textOf(body: AsyncIterable<Uint8Array> | undefined): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of body ?? []) {
    bytes += part.length;
    if (bytes <= MAX_ANSWER_BYTES) parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

/** Of services that speak JSON 1.1: `{"__type":"com.amazonaws.…#ThrottlingException","message":"…"}`. */
function nameIn(text: string): string | undefined {
  try {
    const { __type: type } = JSON.parse(text) as { __type?: unknown };
    return typeof type === "string" ? type.split("#").at(-1) : undefined;
  } catch {
    return undefined;
  }
}
