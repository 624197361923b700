import { KafkaError } from "../../kafka/kafka-error.ts";
import type { EpochStart } from "../leader-epochs.ts";

const VERSION = "0";

/** Kafka's `leader-epoch-checkpoint`: version, number of entries, and a line `epoch startOffset` for each. */
export function encodeLeaderEpochCheckpoint(epochs: readonly EpochStart[]): Uint8Array {
  const lines = epochs.map(({ leaderEpoch, startOffset }) => `${leaderEpoch} ${startOffset}`);
  return Buffer.from(`${[VERSION, epochs.length, ...lines].join("\n")}\n`);
}

/** Errors: KAFKA_STORAGE_ERROR for anything else. */
export function decodeLeaderEpochCheckpoint(bytes: Uint8Array): EpochStart[] {
  const [version, count, ...lines] = Buffer.from(bytes).toString("latin1").trimEnd().split("\n");
  if (version !== VERSION || Number(count) !== lines.length) throw corrupt("its header is another");
  return lines.map((line) => {
    const match = /^(\d{1,10}) (\d{1,16})$/.exec(line);
    if (match === null) throw corrupt(`a line is ${JSON.stringify(line.slice(0, 40))}`);
    return { leaderEpoch: Number(match[1]), startOffset: Number(match[2]) };
  });
}

/** The epochs of a stretch of the log; the first may have begun before it, and then begins with it (KIP-405's segmentLeaderEpochs). */
export function epochsWithin(epochs: readonly EpochStart[], baseOffset: number, lastOffset: number): EpochStart[] {
  return epochs
    .filter(({ startOffset }, index) => {
      const nextStart = epochs[index + 1]?.startOffset ?? Number.POSITIVE_INFINITY;
      return startOffset <= lastOffset && nextStart > baseOffset;
    })
    .map(({ leaderEpoch, startOffset }) => ({ leaderEpoch, startOffset: Math.max(startOffset, baseOffset) }));
}

function corrupt(what: string): KafkaError {
  return new KafkaError("KAFKA_STORAGE_ERROR", `a segment's leader-epoch-checkpoint is corrupt: ${what}`);
}
