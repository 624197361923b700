import { OffsetIndex } from "../../shared/log/segment/offset-index.ts";
import { decodeProducerSnapshot } from "../../shared/log/segment/producer-snapshot.ts";
import { TimeIndex } from "../../shared/log/segment/time-index.ts";
import { decodeRecords } from "../../shared/record/decode-batch.ts";
import { deleteHorizonOf } from "../../shared/record/filter-batch.ts";
import { readInt32 } from "../../shared/record/int64.ts";
import { batchHeaders } from "../../shared/record/read-batch-header.ts";
import type { SegmentFiles } from "./dump-log-segments.ts";

/** What the tool reads in a barrier of a partition with replicas 1, 2 and 3: it knows Kafka's LEADER_CHANGE. */
const VOTERS = '"voters":[{"voterId":1},{"voterId":2},{"voterId":3}],"grantingVoters":[]';

/** What DumpLogSegments prints of a `.log`, by our own reading of the batches. */
export function linesOfBatches(log: Uint8Array): string[] {
  return batchHeaders(log).flatMap(({ header, at }) => {
    const horizon = deleteHorizonOf(log, at);
    const batch =
      `baseOffset: ${header.baseOffset} lastOffset: ${header.lastOffset} count: ${header.recordCount}` +
      ` baseSequence: ${header.baseSequence} lastSequence: ${header.lastSequence}` +
      ` producerId: ${header.producerId} producerEpoch: ${header.producerEpoch}` +
      ` partitionLeaderEpoch: ${header.partitionLeaderEpoch} isTransactional: ${header.isTransactional}` +
      ` isControl: ${header.isControl} deleteHorizonMs: ${horizon === undefined ? "OptionalLong.empty" : `OptionalLong[${horizon}]`}` +
      ` position: ${at} ${header.timestampType}: ${header.maxTimestamp} size: ${header.sizeInBytes} magic: 2` +
      ` compresscodec: ${header.compressionType} crc: ${header.crc} isvalid: true`;
    const records = decodeRecords(log, at, header);
    if (header.isControl) {
      const leader = readInt32(records[0]!.value!, 2);
      return [
        batch,
        `| offset: ${header.baseOffset} CreateTime: ${header.maxTimestamp} keySize: 4 valueSize: 24 sequence: -1 headerKeys: []` +
          ` LeaderChange: {"version":0,"leaderId":${leader},${VOTERS}}`,
      ];
    }
    const lines = records.map(({ offset, timestamp, key, value, headers }) => {
      const sequence = header.baseSequence < 0 ? -1 : header.baseSequence + offset - header.baseOffset;
      const names = headers.map((one) => one.key).join(",");
      return (
        `| offset: ${offset} ${header.timestampType}: ${timestamp} keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1}` +
        ` sequence: ${sequence} headerKeys: [${names}]` +
        (key === null ? "" : ` key: ${Buffer.from(key)}`) +
        (value === null ? "" : ` payload: ${Buffer.from(value)}`)
      );
    });
    return [batch, ...lines];
  });
}

/** What it prints of `.index` and `.timeindex`, an entry a line. */
export function linesOfIndexes({ baseOffset, indexes }: Pick<SegmentFiles, "baseOffset" | "indexes">): string[] {
  const offsets = new OffsetIndex(baseOffset, indexes.offsetIndex);
  const times = new TimeIndex(baseOffset, indexes.timeIndex);
  const entries = (count: number) => Array.from({ length: count }, (_, entry) => entry);
  return [
    ...entries(offsets.entryCount).map((at) => `offset: ${offsets.offset(at)} position: ${offsets.position(at)}`),
    ...entries(times.entryCount).map((at) => `timestamp: ${times.timestamp(at)} offset: ${times.offset(at)}`),
  ];
}

/** What it prints of a `.snapshot`. */
export function linesOfProducers({ indexes }: Pick<SegmentFiles, "indexes">): string[] {
  return decodeProducerSnapshot(indexes.producerSnapshot).map(
    ({ producerId, producerEpoch, lastSequence, lastOffset, offsetDelta, timestamp }) =>
      `producerId: ${producerId} producerEpoch: ${producerEpoch} coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty` +
      ` lastTimestamp: ${timestamp} firstSequence: ${lastSequence - offsetDelta} lastSequence: ${lastSequence}` +
      ` lastOffset: ${lastOffset} offsetDelta: ${offsetDelta} timestamp: ${timestamp}`,
  );
}

/** The gaps that compaction leaves in a `.log`, as it tells of them on standard error. */
export function gapsIn(log: Uint8Array): string[] {
  const offsets = batchHeaders(log).flatMap(({ header, at }) =>
    decodeRecords(log, at, header).map(({ offset }) => offset),
  );
  return offsets
    .slice(1)
    .flatMap((offset, index) =>
      offset === offsets[index]! + 1 ? [] : [`  ${offsets[index]} is followed by ${offset}`],
    );
}
