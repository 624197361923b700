import { EPOCHS_KEPT, type EpochStart } from "../../log/leader-epochs.ts";
import type { LogKey } from "../../log/log-item.ts";
import type { Broker } from "../broker.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { localLogStartOffset } from "./read-cold.ts";
import { throughSegments } from "./through-segments.ts";

/**
 * Where the epochs of a log's segments begin, up to the first that is above `leaderEpoch`, the last EPOCHS_KEPT of them; by their
 * registrations, which have it of their snapshots. For epochs that the fold of the log remembers no more, after a thousand
 * others. Errors: as readCold.
 */
export async function coldEpochs(
  broker: Broker,
  log: LogKey,
  registration: PartitionRegistration,
  leaderEpoch: number,
): Promise<readonly EpochStart[]> {
  const endOffset = await localLogStartOffset(broker, log, registration);
  const epochs: EpochStart[] = [];
  const stretch = { fromOffset: registration.logStartOffset, endOffset };
  await throughSegments(broker, log, registration, stretch, async (cover, pageFrom) => {
    for (const { segment, fromOffset, toOffset } of cover) {
      for (const epoch of segment.content.leaderEpochs) {
        const isNew = epoch.leaderEpoch > (epochs.at(-1)?.leaderEpoch ?? -1);
        if (!isNew || epoch.startOffset > toOffset) continue;
        epochs.push({ ...epoch, startOffset: Math.max(epoch.startOffset, fromOffset, pageFrom) });
        if (epochs.length > EPOCHS_KEPT) epochs.shift();
        if (epoch.leaderEpoch > leaderEpoch) return "done";
      }
    }
    return "next";
  });
  return epochs;
}
