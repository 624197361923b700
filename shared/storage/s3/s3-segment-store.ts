import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { SegmentStore, StoredObject } from "../../log/segment-store.ts";
import { checkObjectKey, checkObjectPrefix } from "../object-key.ts";
import { stored } from "../storage-error.ts";

type S3 = typeof import("./s3-commands.ts");

/** A bucket in S3. The SDK is loaded at first use: most appends never touch a bucket. */
export class S3SegmentStore implements SegmentStore {
  readonly #bucket: string;
  readonly #config: S3ClientConfig;
  #opened: Promise<{ readonly sdk: S3; readonly client: S3Client }> | undefined;

  constructor(bucket: string, config: S3ClientConfig = {}) {
    this.#bucket = bucket;
    this.#config = config;
  }

  async putObject(key: string, bytes: Uint8Array): Promise<void> {
    checkObjectKey(key);
    const { sdk, client } = await this.#open();
    const put = new sdk.PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes });
    await stored("writing an object", () => client.send(put));
  }

  async getObject(key: string, range?: { start: number; end: number }): Promise<Uint8Array | undefined> {
    checkObjectKey(key);
    if (range !== undefined && range.end <= range.start) return new Uint8Array();
    const { sdk, client } = await this.#open();
    const get = new sdk.GetObjectCommand({
      Bucket: this.#bucket,
      Key: key,
      ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }),
    });
    return stored("reading an object", async () => {
      try {
        const { Body } = await client.send(get);
        return await Body?.transformToByteArray();
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
    const { sdk, client } = await this.#open();
    const list = new sdk.ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: prefix,
      MaxKeys: maxKeys,
      ...(after === undefined ? {} : { StartAfter: after }),
    });
    const { Contents = [] } = await stored("listing objects", () => client.send(list));
    return Contents.map(({ Key = "", Size = 0 }) => ({ key: Key, sizeInBytes: Size }));
  }

  async deleteObjects(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkObjectKey(key);
    if (keys.length === 0) return;
    const { sdk, client } = await this.#open();
    const Objects = keys.map((Key) => ({ Key }));
    const { Errors = [] } = await stored("deleting objects", () =>
      client.send(new sdk.DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } })),
    );
    const failed = Errors[0];
    if (failed !== undefined) await stored("deleting objects", () => Promise.reject({ name: failed.Code }));
  }

  /** Makes the bucket if it is not there: for stores on one's own machine. */
  async createBucket(): Promise<void> {
    const { sdk, client } = await this.#open();
    try {
      await client.send(new sdk.CreateBucketCommand({ Bucket: this.#bucket }));
    } catch (error) {
      if (!["BucketAlreadyOwnedByYou", "BucketAlreadyExists"].includes((error as Error).name)) throw error;
    }
  }

  #open(): Promise<{ readonly sdk: S3; readonly client: S3Client }> {
    this.#opened ??= import("./s3-commands.ts").then((sdk) => ({
      sdk,
      client: new sdk.S3Client({
        maxAttempts: 3,
        // The request's time is up when its answer begins; the socket's also bounds a body that stops coming.
        requestHandler: {
          connectionTimeout: 1_000,
          requestTimeout: 12_000,
          socketTimeout: 12_000,
          throwOnRequestTimeout: true,
        },
        ...this.#config,
      }),
    }));
    return this.#opened;
  }
}
