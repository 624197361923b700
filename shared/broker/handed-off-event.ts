/** An append of acks=0 on its way from the process that answered it to the one that writes it. */
export interface HandedOffAppend {
  readonly topic: string;
  /** Of the topic that it was answered for: one that was created anew under the name does not get it. */
  readonly topicId: string;
  readonly partition: number;
  /** 16 random bytes in base64url, the item's: by it an event that comes again finds what it has appended. */
  readonly appendId: string;
  /** Milliseconds since the epoch. */
  readonly handedOffAt: number;
  /** Whole RecordBatches, validated. */
  readonly batches: Uint8Array;
}

/** `{"handedOffAppends":[]}`. */
export const handedOffOverhead = 23;
const MAX_NAME = 249;

/** Bytes of its JSON, at most. */
export function encodedBytes({ batches }: HandedOffAppend): number {
  return Math.ceil(batches.length / 3) * 4 + MAX_NAME + 250;
}

export function encodeHandedOff({ batches, ...append }: HandedOffAppend): string {
  const bytes = Buffer.from(batches.buffer, batches.byteOffset, batches.length);
  return JSON.stringify({ ...append, batches: bytes.toString("base64") });
}

/**
 * The appends of an event; undefined for another event. No event of API Gateway is one, whatever its caller sends: it has
 * `httpMethod`, and the caller's own words lie deeper. Whoever may invoke the function itself may write anyway.
 * Errors: an Error that says what is wrong with it.
 */
export function handedOffAppends(event: unknown): readonly HandedOffAppend[] | undefined {
  if (!isObject(event) || !("handedOffAppends" in event) || "httpMethod" in event) return undefined;
  const { handedOffAppends: given, ...more } = event;
  if (!Array.isArray(given) || given.length === 0 || Object.keys(more).length > 0) {
    throw new Error("handedOffAppends must be a list, and stand alone");
  }
  return given.map((append: unknown, index) => {
    if (!isObject(append)) throw new Error(`handedOffAppends.${index} must be an object`);
    const { topic, topicId, partition, appendId, handedOffAt, batches } = append;
    const isSound =
      isText(topic, /^[\w.-]{1,249}$/) &&
      isText(topicId, /^[0-9a-f-]{36}$/) &&
      isText(appendId, /^[\w-]{22}$/) &&
      isText(batches, /^[A-Za-z0-9+/]+={0,2}$/) &&
      isCount(partition) &&
      isCount(handedOffAt);
    if (!isSound) throw new Error(`handedOffAppends.${index} is not an append`);
    return { topic, topicId, partition, appendId, handedOffAt, batches: Buffer.from(batches, "base64") };
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isText = (value: unknown, form: RegExp): value is string => typeof value === "string" && form.test(value);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
