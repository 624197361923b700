import type { IncomingMessage } from "node:http";
import { MAX_REQUEST_BYTES } from "../shared/kafka/limits.ts";

/** Bytes of a body that is too large which are read all the same, so that its sender can hear of it. */
const MAX_DISCARDED_BYTES = 64 * 1024 * 1024;

/** Whether a body that is not sent yet, as its header has it, is larger than a request may be. */
export function announcesTooMuch(request: IncomingMessage): boolean {
  return Number(request.headers["content-length"] ?? 0) > MAX_REQUEST_BYTES;
}

/**
 * The body; undefined: it is larger than a request may be. A client that still sends does not listen yet, so what comes of
 * such a body is thrown away first, up to a limit. Errors: the client went away.
 */
export function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let sizeInBytes = 0;
    if (Number(request.headers["content-length"] ?? 0) > MAX_DISCARDED_BYTES) resolve(undefined);
    request.on("data", (part: Buffer) => {
      sizeInBytes += part.length;
      if (sizeInBytes <= MAX_REQUEST_BYTES) parts.push(part);
      else parts.length = 0;
      if (sizeInBytes > MAX_DISCARDED_BYTES) resolve(undefined);
    });
    request.once("end", () => resolve(sizeInBytes > MAX_REQUEST_BYTES ? undefined : Buffer.concat(parts)));
    request.once("error", reject);
    request.once("close", () => reject(new Error("the client went away")));
  });
}
