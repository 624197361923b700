import { crc32 } from "node:zlib";
import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey, checkObjectPrefix } from "../object-key.ts";
import { stored } from "../storage-error.ts";
import { uploadInParts } from "./s3-multipart-upload.ts";
import { type S3Connection, S3Requests } from "./s3-requests.ts";
import { elements, textOfElement } from "./s3-xml.ts";

/** A bucket in S3, by its REST API: seven of its operations, for which no client of S3's is brought along (ADR 1). */
export class S3SegmentStore implements SegmentStore {
  readonly #requests: S3Requests;
  readonly #connection: S3Connection;

  constructor(bucket: string, connection: S3Connection) {
    this.#requests = new S3Requests(bucket, connection);
    this.#connection = connection;
  }

  async putObject(key: string, bytes: Uint8Array): Promise<void> {
    checkObjectKey(key);
    await stored("writing an object", () => this.#requests.send({ method: "PUT", key, body: bytes }));
  }

  async putObjectInParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void> {
    checkObjectKey(key);
    await uploadInParts(this.#requests, key, parts);
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    if (range !== undefined && range.end <= range.start) return new Uint8Array();
    const headers = range === undefined ? {} : { range: `bytes=${range.start}-${range.end - 1}` };
    return stored("reading an object", async () => {
      try {
        return (await this.#requests.send({ method: "GET", key, headers })).body;
      } catch (error) {
        const { name } = error as Error;
        if (name === "NoSuchKey") return undefined;
        if (name === "InvalidRange") return new Uint8Array();
        throw error;
      }
    });
  }

  async listObjects(prefix: string, { maxKeys, after }: { maxKeys: number; after?: string }): Promise<StoredObject[]> {
    checkObjectPrefix(prefix);
    const query = {
      "list-type": "2",
      prefix,
      "max-keys": String(maxKeys),
      ...(after === undefined ? {} : { "start-after": after }),
    };
    const { body } = await stored("listing objects", () => this.#requests.send({ method: "GET", query }));
    return elements(body.toString(), "Contents").map((object) => ({
      key: textOfElement(object, "Key") ?? "",
      sizeInBytes: Number(textOfElement(object, "Size") ?? 0),
      modifiedAt: Date.parse(textOfElement(object, "LastModified") ?? "") || Number.POSITIVE_INFINITY,
    }));
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkObjectKey(key);
    if (keys.length === 0) return;
    // Keys need no escaping: object-key.ts.
    const objects = keys.map((key) => `<Object><Key>${key}</Key></Object>`).join("");
    const body = `<Delete xmlns="${NAMESPACE}"><Quiet>true</Quiet>${objects}</Delete>`;
    const request = { method: "POST", query: { delete: "" }, headers: checksum(body), body } as const;
    const answer = await stored("deleting objects", () => this.#requests.send(request));
    const [failed] = elements(answer.body.toString(), "Error");
    if (failed === undefined) return;
    await stored("deleting objects", () => Promise.reject({ name: textOfElement(failed, "Code") }));
  }

  /** Makes the bucket if it is not there: for stores on one's own machine. Errors: as S3 answers them. */
  async createBucket(): Promise<void> {
    const region = await this.#connection.client.config.region();
    // The one region that must not be named.
    const place = region === "us-east-1" ? "" : `<LocationConstraint>${region}</LocationConstraint>`;
    const body = `<CreateBucketConfiguration xmlns="${NAMESPACE}">${place}</CreateBucketConfiguration>`;
    try {
      await this.#requests.send({ method: "PUT", ...(place === "" ? {} : { body }) });
    } catch (error) {
      if (!["BucketAlreadyOwnedByYou", "BucketAlreadyExists"].includes((error as Error).name)) throw error;
    }
  }
}

const NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/";

/** Deleting several objects needs one: https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
function checksum(body: string): Record<string, string> {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return {
    "content-type": "application/xml",
    "x-amz-sdk-checksum-algorithm": "CRC32",
    "x-amz-checksum-crc32": bytes.toString("base64"),
  };
}
