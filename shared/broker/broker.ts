import type { LogStore } from "../log/log-store.ts";
import type { SegmentStore } from "../log/segment-store.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { MetadataStore } from "./metadata-store.ts";

/** What a broker is made of. A composition root brings it; the simulation brings its own. */
export interface BrokerParts {
  readonly logStore: LogStore;
  readonly segmentStore: SegmentStore;
  readonly metadataStore: MetadataStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** The regions of the deployment in order: broker id 1 is the first. */
  readonly regions: readonly string[];
}
