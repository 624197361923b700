/** An HTTP request as the faces see it, whatever brought it. */
export interface HttpRequest {
  readonly method: string;
  /** Percent-encoded, without the query. */
  readonly path: string;
  /** Decoded; a parameter may come several times. */
  readonly query: ReadonlyMap<string, readonly string[]>;
  /** By name in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  /** When the service took it in, in milliseconds since the epoch; absent: nobody can tell. It may have waited since for a process. */
  readonly receivedAt?: number;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal?: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or bytes as they are. */
  readonly body: string | Uint8Array;
}

export const JSON_TYPE = "application/json";
export const V2_JSON_TYPE = "application/vnd.kafka.v2+json";
/** Of records whose keys and values are in base64, or are JSON. */
export const V2_BINARY_TYPE = "application/vnd.kafka.binary.v2+json";
export const V2_EMBEDDED_JSON_TYPE = "application/vnd.kafka.json.v2+json";
/** Of records with a schema: nothing is answered in these, and a client that asks for one is told what there is. */
export const V2_SCHEMA_TYPES: readonly string[] = ["avro", "jsonschema", "protobuf"].map(
  (format) => `application/vnd.kafka.${format}.v2+json`,
);
/** RecordBatches v2, one after the other, byte for byte. */
export const RECORD_BATCHES_TYPE = "application/vnd.millrace.record-batches";

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return { status, headers: { "content-type": JSON_TYPE, ...headers }, body: JSON.stringify(body) };
}

/** The media type of a header's value, in lower case and without parameters. */
export function mediaType(value: string | undefined): string {
  return (value ?? "").split(";")[0]!.trim().toLowerCase();
}

export const NO_CONTENT: HttpResponse = { status: 204, headers: {}, body: "" };
