import type { LogKey } from "../../log/log-item.ts";
import type { RetentionTerms } from "../../log/retention-terms.ts";
import type { SegmentMetadata } from "../../log/segment/segment-metadata.ts";
import type { SegmentRegistry } from "../../log/segment-registry.ts";
import type { Broker } from "../broker.ts";
import type { PartitionRegistration } from "../metadata-store.ts";
import { untilKnown } from "../until-known.ts";

/** A broker that can keep logs: it knows where segments are registered. */
export type UpkeepBroker = Broker & { readonly segmentRegistry: SegmentRegistry };

export function canKeepLogs(broker: Broker): broker is UpkeepBroker {
  return broker.segmentRegistry !== undefined;
}

/** One partition's log as one run of the upkeep has it: what was read at its begin. */
export interface UpkeepLog {
  readonly log: LogKey;
  readonly topicName: string;
  readonly registration: PartitionRegistration;
  readonly terms: RetentionTerms;
  /** When the run is over, in milliseconds since the epoch: nothing that takes long begins shortly before. */
  readonly untilMs: number;
}

/** Nothing that takes more than a few requests begins with less time left. */
export const MIN_LEFT_MS = 15_000;

export function hasTime({ clock }: Pick<Broker, "clock">, { untilMs }: Pick<UpkeepLog, "untilMs">): boolean {
  return untilMs - clock.now() >= MIN_LEFT_MS;
}

/** This process's broker id: with one region there is only one. */
export function ownBrokerId({ brokerId }: Pick<Broker, "brokerId">): number {
  return brokerId ?? 1;
}

const SEGMENTS_AT_A_TIME = 1_000;
/** A hundred TiB in segments of a GiB. */
const MAX_SEGMENTS = 100_000;

/** All registered segments of a log, whatever their state, in order. */
export async function allSegments(broker: UpkeepBroker, log: LogKey): Promise<SegmentMetadata[]> {
  const all: SegmentMetadata[] = [];
  for (;;) {
    const after = all.at(-1);
    const list = () =>
      broker.segmentRegistry.listSegments(log, {
        limit: SEGMENTS_AT_A_TIME,
        ...(after === undefined ? {} : { after }),
      });
    const page = await untilKnown(broker, "listing segments", list);
    all.push(...page);
    if (page.length < SEGMENTS_AT_A_TIME) return all;
    if (all.length >= MAX_SEGMENTS) throw new Error(`${log} has more than ${MAX_SEGMENTS} segments`);
  }
}
