import type { METRICS, MetricName } from "./metric-names.ts";

type NamesIn<Unit extends string> = {
  [Name in MetricName]: (typeof METRICS)[Name]["unit"] extends Unit ? Name : never;
}[MetricName];

/** What was found at one look. */
export type GaugeName = {
  [Name in MetricName]: (typeof METRICS)[Name] extends { readonly isGauge: true } ? Name : never;
}[MetricName];
/** Gauges that are told of each broker too. */
export type BrokerGaugeName = {
  [Name in MetricName]: (typeof METRICS)[Name] extends { readonly isByBroker: true } ? Name : never;
}[MetricName];
/** Metrics that are summed up. */
export type CountName = Exclude<NamesIn<"Count" | "Bytes">, GaugeName>;
/** Metrics of which percentiles are asked for: each value stays by itself. */
export type DurationName = Exclude<NamesIn<"Milliseconds">, GaugeName>;

/**
 * The port to a metrics system. Names, units and what each stands for: metric-names.ts. The broker counts where a thing is
 * known to have happened: appends when the conditional write has won (partition-writer.ts), reads when the answer is made
 * (fetch.ts), requests to stores when they have answered (metered-stores.ts), errors where a failure is caught
 * (note-failure.ts), in-sync sets when they have changed (change-in-sync-replicas.ts); how far followers are behind is the
 * replicator's to tell (replicator.ts), and who has no leader that of whoever elects (elect-leaders.ts). Counting never fails and never waits.
 */
export interface Metrics {
  /** Adds `value` (0 or more) to a count. */
  count(name: CountName, value: number): void;
  /** Notes how long one thing took, in milliseconds. */
  duration(name: DurationName, ms: number): void;
  /** Notes what was found, 0 or more; of several looks in one invocation the largest. `broker`: of one follower alone. */
  gauge(name: GaugeName, value: number): void;
  gauge(name: BrokerGaugeName, value: number, broker: number): void;
}

export const silentMetrics: Metrics = { count() {}, duration() {}, gauge() {} };
