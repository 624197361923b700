/** One object's name, size and age. */
export interface StoredObject {
  readonly key: string;
  readonly sizeInBytes: number;
  /** When it was written, by the store's clock; milliseconds since the epoch. */
  readonly modifiedAt: number;
}

/**
 * The port to the bucket: objects are written once, whole, and never changed. `putObject` returns when the object is
 * durable; a reader sees all of it or none of it.
 *
 * Keys: segments of `A-Z a-z 0-9 . _ -` divided by `/`; anything else is refused with INVALID_REQUEST.
 * Errors: `KafkaError` KAFKA_STORAGE_ERROR or THROTTLING_QUOTA_EXCEEDED; every operation is bounded in time.
 */
export interface SegmentStore {
  /** Writes the object; the same key again replaces it. */
  putObject(key: string, bytes: Uint8Array): Promise<void>;
  /**
   * Writes an object of parts, in order, that need not be in memory all at once: each of 5 MiB at least but the last, at most 10,000 of
   * them (segment-parts.ts). It holds about four parts. Until the last is written there is no object; if the parts fail, what they
   * fail with is thrown, and there is none. Bounded in time part by part: the parts must come in bounded time.
   */
  putObjectInParts(key: string, parts: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<void>;
  /** Bytes [start, end) of the object, or all of it; undefined if there is no such object. A range may pass its end. */
  getObject(key: string, range?: { readonly start: number; readonly end: number }): Promise<Uint8Array | undefined>;
  /** Up to `maxKeys` (at most 1000) objects under `prefix` with a key above `after`, in order of key. */
  listObjects(prefix: string, options: { readonly maxKeys: number; readonly after?: string }): Promise<StoredObject[]>;
  /** Deletes objects (at most 1000); those that do not exist are no error. */
  deleteObjects(keys: readonly string[]): Promise<void>;
}
