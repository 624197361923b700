/** A record header: key is UTF-8 text, value may be null. */
export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** What a producer hands over: no offset yet. `timestamp` is in milliseconds since the epoch. */
export interface ProducerRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
  readonly timestamp: number;
}

/** A record as it stands in a log. */
export interface LogRecord extends ProducerRecord {
  readonly offset: number;
}
