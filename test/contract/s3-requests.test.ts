import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { KafkaError } from "../../shared/kafka/kafka-error.ts";
import { bucketUrl } from "../../shared/storage/s3/bucket-url.ts";
import { S3SegmentStore } from "../../shared/storage/s3/s3-segment-store.ts";
import { elements, textOfElement } from "../../shared/storage/s3/s3-xml.ts";
import { localClient } from "../fixtures/dynamodb.ts";

const MiB = 1024 * 1024;
const error = (code: string) =>
  `<?xml version="1.0"?><Error><Code>${code}</Code><Message>a &lt;message&gt;</Message></Error>`;

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;
const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

/** A store on a server that answers as told; the requests it got, as `METHOD /path?query`. */
async function storeThatGets(answer: Answer): Promise<{ store: S3SegmentStore; requests: string[] }> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    request.resume().on("end", () => answer(request, response, requests.length));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => server.close().closeAllConnections());
  const endpoint = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return { store: new S3SegmentStore("bucket", { client: localClient(endpoint.href), endpoint }), requests };
}

const fails = async (what: Promise<unknown>) => {
  const failure = await what.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  return failure instanceof KafkaError ? [failure.code, failure.outcome] : failure;
};

describe("requests to S3", () => {
  it("are repeated where S3 fails in passing, and that three times at most", async () => {
    const twice = await storeThatGets((_, response, count) => response.writeHead(count < 3 ? 503 : 200).end());
    await twice.store.putObject("a", Buffer.from("x"));
    expect(twice.requests).toEqual(["PUT /bucket/a", "PUT /bucket/a", "PUT /bucket/a"]);
    const ever = await storeThatGets((_, response) => response.writeHead(503).end(error("SlowDown")));
    expect(await fails(ever.store.putObject("a", Buffer.from("x")))).toEqual(["THROTTLING_QUOTA_EXCEEDED", "unknown"]);
    expect(ever.requests.length).toBe(3);
    const gone = await storeThatGets((request) => void request.socket.destroy());
    expect(await fails(gone.store.getObject("a"))).toEqual(["KAFKA_STORAGE_ERROR", "unknown"]);
    expect(gone.requests.length).toBe(3);
  });

  it("are not repeated where S3 refused them", async () => {
    const { store, requests } = await storeThatGets((_, response) =>
      response.writeHead(403).end(error("AccessDenied")),
    );
    expect(await fails(store.putObject("a", Buffer.from("x")))).toEqual(["UNKNOWN_SERVER_ERROR", "none"]);
    expect(requests.length).toBe(1);
  });

  it("tell an object that is not there from a bucket that is not", async () => {
    const missing = await storeThatGets((_, response) => response.writeHead(404).end(error("NoSuchKey")));
    expect(await missing.store.getObject("a")).toBeUndefined();
    const noBucket = await storeThatGets((_, response) => response.writeHead(404).end(error("NoSuchBucket")));
    expect(await fails(noBucket.store.getObject("a"))).toEqual(["UNKNOWN_SERVER_ERROR", "none"]);
  });

  it("carry the hash of the body in their signature, and a checksum where several objects are deleted", async () => {
    const headers: IncomingMessage["headers"][] = [];
    const { store, requests } = await storeThatGets((request, response) => {
      headers.push(request.headers);
      response
        .writeHead(200)
        .end('<DeleteResult xmlns="x"><Error><Key>b</Key><Code>AccessDenied</Code></Error></DeleteResult>');
    });
    expect(await fails(store.deleteObjects(["a", "b"]))).toEqual(["KAFKA_STORAGE_ERROR", "unknown"]);
    expect(requests).toEqual(["POST /bucket/?delete="]);
    expect(headers[0]?.["x-amz-content-sha256"]).toMatch(/^[0-9a-f]{64}$/);
    expect(headers[0]?.authorization).toMatch(/^AWS4-HMAC-SHA256 Credential=test\/\d{8}\/us-east-1\/s3\/aws4_request/);
    expect(headers[0]?.["x-amz-checksum-crc32"]).toMatch(/^[\w+/]{6}==$/);
  });

  it("take an upload for failed that S3 began to answer with 200, and abort it", async () => {
    const { store, requests } = await storeThatGets((request, response) => {
      const url = request.url ?? "";
      if (url.endsWith("?uploads=")) response.end("<Result><UploadId>u&amp;1</UploadId></Result>");
      else if (request.method === "POST") response.writeHead(200).end(error("InternalError"));
      else response.setHeader("etag", '"e"').end();
    });
    const parts = [Buffer.alloc(5 * MiB), Buffer.from("end")];
    expect(await fails(store.putObjectInParts("a", parts))).toEqual(["KAFKA_STORAGE_ERROR", "unknown"]);
    expect(requests.filter((request) => request.startsWith("POST /bucket/a?uploadId=u%261")).length).toBe(3);
    expect(requests.at(-1)).toBe("DELETE /bucket/a?uploadId=u%261");
  });
});

describe("a bucket's URL", () => {
  const url = (bucket: string, region: string, endpoint?: string, isPathStyle = false) =>
    String(
      bucketUrl(bucket, region, { endpoint: endpoint === undefined ? undefined : new URL(endpoint), isPathStyle }),
    );

  it("has the bucket in its host where the name allows it, and in its path otherwise", () => {
    expect(url("my-bucket", "eu-west-1")).toBe("https://my-bucket.s3.eu-west-1.amazonaws.com/");
    expect(url("my-bucket", "us-gov-west-1")).toBe("https://my-bucket.s3.us-gov-west-1.amazonaws.com/");
    expect(url("my.bucket", "eu-west-1")).toBe("https://s3.eu-west-1.amazonaws.com/my.bucket");
    expect(url("my-bucket", "eu-west-1", "http://127.0.0.1:4566")).toBe("http://127.0.0.1:4566/my-bucket");
    expect(url("my-bucket", "eu-west-1", "http://localhost:4566/x/")).toBe("http://my-bucket.localhost:4566/x/");
    expect(url("my-bucket", "eu-west-1", "http://localhost:4566", true)).toBe("http://localhost:4566/my-bucket");
  });

  it("is not made up for regions whose hosts end otherwise", () => {
    for (const region of ["cn-north-1", "us-iso-east-1", "eu-isoe-west-1", "nowhere"])
      expect(() => url("my-bucket", region)).toThrow(region);
  });
});

describe("S3's XML", () => {
  it("is read element by element, its text decoded", () => {
    const xml = '<L xmlns="x"><C><Key>a&amp;b&#x41;&#66;&nbsp;</Key><Size>1</Size></C><C><Key>c</Key></C></L>';
    expect(elements(xml, "C").map((part) => textOfElement(part, "Key"))).toEqual(["a&bAB&nbsp;", "c"]);
    expect(textOfElement(elements(xml, "C")[1]!, "Size")).toBeUndefined();
  });
});
