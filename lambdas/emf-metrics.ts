import { Metrics as PowertoolsMetrics } from "@aws-lambda-powertools/metrics";
import { BROKER_DIMENSION, METRICS, METRICS_NAMESPACE } from "../shared/runtime/metric-names.ts";
import type { CountName, DurationName, GaugeName, Metrics } from "../shared/runtime/metrics.ts";

/**
 * Metrics as lines of CloudWatch's embedded metric format on stdout, by Powertools, with `service` as their one dimension:
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
 *
 * Counts are summed up here, so that an invocation has one value of each: log lines are paid for by the byte. Durations go
 * to Powertools one by one, for percentiles; it writes a line early when one has 100 values, which is all that a line may
 * hold. Of gauges an invocation has the largest value; those of a broker come as lines of their own, because a line has one set
 * of dimensions.
 */
export class EmfMetrics implements Metrics {
  readonly #powertools: PowertoolsMetrics;
  readonly #counts = new Map<CountName, number>();
  /** By name, and by name and broker. */
  readonly #gauges = new Map<string, { readonly name: GaugeName; readonly value: number; readonly broker?: number }>();

  constructor(serviceName: string, namespace = METRICS_NAMESPACE) {
    this.#powertools = new PowertoolsMetrics({ serviceName, namespace });
  }

  count(name: CountName, value: number): void {
    if (value > 0) this.#counts.set(name, (this.#counts.get(name) ?? 0) + value);
  }

  /** A clock that was set back makes no negative duration: with one, CloudWatch has no percentiles. */
  duration(name: DurationName, ms: number): void {
    this.#powertools.addMetric(name, METRICS[name].unit, Math.max(0, ms));
  }

  gauge(name: GaugeName, value: number, broker?: number): void {
    const key = `${name} ${broker ?? ""}`;
    if (value <= (this.#gauges.get(key)?.value ?? 0)) return;
    this.#gauges.set(key, broker === undefined ? { name, value } : { name, value, broker });
  }

  /** Writes what was counted since the last call; nothing if there was nothing. */
  publish(): void {
    for (const [name, sum] of this.#counts) this.#powertools.addMetric(name, METRICS[name].unit, sum);
    this.#counts.clear();
    for (const { name, value, broker } of this.#gauges.values()) {
      const { unit } = METRICS[name];
      if (broker === undefined) this.#powertools.addMetric(name, unit, value);
      else this.#powertools.singleMetric().addDimension(BROKER_DIMENSION, String(broker)).addMetric(name, unit, value);
    }
    this.#gauges.clear();
    if (this.#powertools.hasStoredMetrics()) this.#powertools.publishStoredMetrics();
  }
}
