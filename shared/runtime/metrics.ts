import type { METRICS, MetricName } from "./metric-names.ts";

type NamesIn<Unit extends string> = {
  [Name in MetricName]: (typeof METRICS)[Name]["unit"] extends Unit ? Name : never;
}[MetricName];

/** Metrics that are summed up. */
export type CountName = NamesIn<"Count" | "Bytes">;
/** Metrics of which percentiles are asked for: each value stays by itself. */
export type DurationName = NamesIn<"Milliseconds">;

/**
 * The port to a metrics system. Names, units and what each stands for: metric-names.ts. The broker counts where a thing is
 * known to have happened: appends when the conditional write has won (partition-writer.ts), reads when the answer is made
 * (fetch.ts), requests to stores when they have answered (metered-stores.ts), errors where a failure is caught
 * (note-failure.ts). Counting never fails and never waits.
 */
export interface Metrics {
  /** Adds `value` (0 or more) to a count. */
  count(name: CountName, value: number): void;
  /** Notes how long one thing took, in milliseconds. */
  duration(name: DurationName, ms: number): void;
}

export const silentMetrics: Metrics = { count() {}, duration() {} };
