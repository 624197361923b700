import { KafkaError } from "../../kafka/kafka-error.ts";
import { crc32c } from "../../record/crc32c.ts";
import { readInt16, readInt32, readInt64, readUint32, writeInt16, writeInt32, writeInt64 } from "../../record/int64.ts";
import type { ProducerState } from "../producer-state.ts";

const VERSION = 1;
/** version int16, CRC-32C of all behind it uint32, and the number of entries int32. */
const HEADER_BYTES = 10;
const CRC_FROM = 6;
/**
 * producerId int64, producerEpoch int16, lastSequence int32, lastOffset int64, offsetDelta int32, timestamp int64,
 * coordinatorEpoch int32, currentTxnFirstOffset int64.
 */
const ENTRY_BYTES = 46;
const SEQUENCES = 2 ** 31;

/** What a snapshot says of one producer: its last batch, which is all that Kafka keeps there. */
export interface ProducerEntry {
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly lastSequence: number;
  readonly lastOffset: number;
  /** Of the batch's last record. */
  readonly offsetDelta: number;
  /** Milliseconds since the epoch: the batch's maxTimestamp. */
  readonly timestamp: number;
}

/**
 * Kafka's `.snapshot` of producers, version 1, in the order given. No transaction is open: transactional batches are not
 * taken. Source: https://github.com/apache/kafka/blob/trunk/storage/src/main/resources/message/ProducerSnapshot.json
 */
export function encodeProducerSnapshot(entries: readonly ProducerEntry[]): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + entries.length * ENTRY_BYTES);
  writeInt16(bytes, 0, VERSION);
  writeInt32(bytes, CRC_FROM, entries.length);
  for (const [index, entry] of entries.entries()) {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    writeInt64(bytes, at, entry.producerId);
    writeInt16(bytes, at + 8, entry.producerEpoch);
    writeInt32(bytes, at + 10, entry.lastSequence);
    writeInt64(bytes, at + 14, entry.lastOffset);
    writeInt32(bytes, at + 22, entry.offsetDelta);
    writeInt64(bytes, at + 26, entry.timestamp);
    writeInt32(bytes, at + 34, -1);
    writeInt64(bytes, at + 38, -1);
  }
  writeInt32(bytes, 2, crc32c(bytes, CRC_FROM));
  return bytes;
}

/** Errors: KAFKA_STORAGE_ERROR for bytes that are no snapshot of version 1, or whose CRC is not theirs. */
export function decodeProducerSnapshot(bytes: Uint8Array): ProducerEntry[] {
  if (bytes.length < HEADER_BYTES) throw corrupt(`it has ${bytes.length} bytes`);
  if (readInt16(bytes, 0) !== VERSION) throw corrupt(`its version is ${readInt16(bytes, 0)}`);
  if (readUint32(bytes, 2) !== crc32c(bytes, CRC_FROM)) throw corrupt("its CRC is another");
  const count = readInt32(bytes, CRC_FROM);
  if (bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) {
    throw corrupt(`${count} entries are not ${bytes.length} bytes`);
  }
  return Array.from({ length: count }, (_, index) => {
    const at = HEADER_BYTES + index * ENTRY_BYTES;
    return {
      producerId: readInt64(bytes, at),
      producerEpoch: readInt16(bytes, at + 8),
      lastSequence: readInt32(bytes, at + 10),
      lastOffset: readInt64(bytes, at + 14),
      offsetDelta: readInt32(bytes, at + 22),
      timestamp: readInt64(bytes, at + 26),
    };
  });
}

/** The entries as the fold of a log has them: each producer with its last batch alone. */
export function producerStatesOf(entries: readonly ProducerEntry[]): ProducerState[] {
  return entries.map(({ producerId, producerEpoch, lastSequence, lastOffset, offsetDelta, timestamp }) => {
    const baseSequence = (lastSequence - offsetDelta + SEQUENCES) % SEQUENCES;
    const batch = { baseSequence, lastSequence, baseOffset: lastOffset - offsetDelta, lastOffset, timestamp };
    return { producerId, producerEpoch, batches: [batch] };
  });
}

function corrupt(what: string): KafkaError {
  return new KafkaError("KAFKA_STORAGE_ERROR", `a segment's producer snapshot is corrupt: ${what}`);
}
