import { stored } from "../storage-error.ts";
import type { S3Requests } from "./s3-requests.ts";
import { textOfElement } from "./s3-xml.ts";

/** Parts under way at once: a part of 8 MiB takes S3 some tenths of a second. */
const PARTS_AT_ONCE = 3;

interface Upload {
  readonly key: string;
  readonly uploadId: string;
}

interface UploadedPart {
  readonly number: number;
  readonly etag: string;
}

/**
 * Writes an object in parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html. A single part is put as it is, for one
 * request in the place of three. What fails is aborted; what dies is aborted by the bucket's lifecycle rule a day later.
 */
export async function uploadInParts(
  requests: S3Requests,
  key: string,
  parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<void> {
  const iterator = iterate(parts);
  const first = await iterator.next();
  const second = first.done ? first : await iterator.next();
  if (second.done) {
    const body = first.done ? new Uint8Array() : first.value;
    await stored("writing an object", () => requests.send({ method: "PUT", key, body }));
    return;
  }
  const upload = { key, uploadId: await begin(requests, key) };
  try {
    const sent = await sendParts(requests, upload, [first.value, second.value], iterator);
    await complete(requests, upload, sent);
  } catch (error) {
    // Parts are paid for until the upload is aborted; where this fails too, the bucket's rule does it.
    const abort = { method: "DELETE", key, query: { uploadId: upload.uploadId } } as const;
    await requests.send(abort).catch(() => undefined);
    throw error;
  }
}

async function begin(requests: S3Requests, key: string): Promise<string> {
  return stored("beginning an upload", async () => {
    const { body } = await requests.send({ method: "POST", key, query: { uploads: "" } });
    const uploadId = textOfElement(body.toString(), "UploadId");
    if (uploadId === undefined) throw new Error("S3 named no upload");
    return uploadId;
  });
}

async function complete(
  requests: S3Requests,
  { key, uploadId }: Upload,
  parts: readonly UploadedPart[],
): Promise<void> {
  const listed = parts.map(({ number, etag }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag></Part>`);
  const body = `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${listed.join("")}</CompleteMultipartUpload>`;
  const headers = { "content-type": "application/xml" };
  await stored("completing an upload", () =>
    requests.send({ method: "POST", key, query: { uploadId }, headers, body }),
  );
}

async function sendParts(
  requests: S3Requests,
  { key, uploadId }: Upload,
  begun: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array> | Iterator<Uint8Array>,
): Promise<UploadedPart[]> {
  const done: UploadedPart[] = [];
  const sending = new Set<Promise<void>>();
  const failures: unknown[] = [];
  const send = async (body: Uint8Array, number: number) => {
    const request = { method: "PUT", key, query: { partNumber: String(number), uploadId }, body } as const;
    const { headers } = await stored("writing a part of an object", () => requests.send(request));
    done.push({ number, etag: headers["etag"] ?? "" });
  };
  const begin = async (part: Uint8Array, number: number) => {
    const sent = send(part, number)
      .catch((error: unknown) => void failures.push(error))
      .finally(() => sending.delete(sent));
    sending.add(sent);
    if (sending.size >= PARTS_AT_ONCE) await Promise.race(sending);
  };
  let number = 0;
  try {
    for (const part of begun) await begin(part, ++number);
    for (let next = await rest.next(); !next.done && failures.length === 0; next = await rest.next()) {
      await begin(next.value, ++number);
    }
  } finally {
    // Nothing is under way any more when the upload is completed or aborted.
    await Promise.all(sending);
  }
  if (failures.length > 0) {
    await rest.return?.();
    throw failures[0];
  }
  return done.sort((one, other) => one.number - other.number);
}

function iterate(parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>) {
  return Symbol.asyncIterator in parts ? parts[Symbol.asyncIterator]() : parts[Symbol.iterator]();
}
