import { Duration } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric } from "aws-cdk-lib/aws-cloudwatch";
import { BROKER_DIMENSION, type METRICS, METRICS_NAMESPACE } from "../../shared/runtime/metric-names.ts";
import type { ResourceNames } from "../resource-names.ts";
import type { Face, Settings } from "../settings.ts";
import { apiName } from "./http-face.ts";

const MINUTE = Duration.minutes(1);

type Statistic = "Sum" | "Average" | "Maximum" | "p50" | "p99";
type MetricName = keyof typeof METRICS;

/** The metrics of one deployment, by what they tell: those that the functions publish, and AWS's own, which cost nothing. */
export class ServiceMetrics {
  readonly #settings: Settings;
  readonly #names: ResourceNames;

  constructor(settings: Settings, names: ResourceNames) {
    this.#settings = settings;
    this.#names = names;
  }

  /** What the functions say of their work: shared/runtime/metric-names.ts. */
  own(metricName: MetricName, statistic: Statistic, label: string = metricName): Metric {
    const dimensionsMap = { service: this.#settings.name };
    return new Metric({ namespace: METRICS_NAMESPACE, metricName, dimensionsMap, statistic, label, period: MINUTE });
  }

  /** The same of one broker's, where it is told by broker. */
  ownOf(brokerId: number, metricName: MetricName, statistic: Statistic, label: string): Metric {
    const dimensionsMap = { service: this.#settings.name, [BROKER_DIMENSION]: String(brokerId) };
    return new Metric({ namespace: METRICS_NAMESPACE, metricName, dimensionsMap, statistic, label, period: MINUTE });
  }

  /** Slots lost to other writers for each append that got in. */
  conflictsPerAppend(): IMetric {
    return new MathExpression({
      expression: "FILL(conflicts, 0) / appends",
      usingMetrics: { conflicts: this.own("AppendConflicts", "Sum"), appends: this.own("Appends", "Sum") },
      label: "conflicts per append",
      period: MINUTE,
    });
  }

  lambda(lambda: string, metricName: string, statistic: Statistic): Metric {
    const dimensionsMap = { FunctionName: `${this.#settings.name}-${lambda}` };
    return aws("AWS/Lambda", metricName, statistic, dimensionsMap, `${lambda}: ${metricName}`);
  }

  /** One way in. */
  apiOf(face: Face, metricName: string, statistic: Statistic): Metric {
    const name = apiName(this.#settings, face);
    return aws("AWS/ApiGateway", metricName, statistic, { ApiName: name }, `${name}: ${metricName}`);
  }

  /** Every way in that is open. */
  api(metricName: string, statistic: Statistic): Metric[] {
    const { access } = this.#settings;
    const faces = (Object.keys(access) as Face[]).filter((face) => access[face] !== undefined);
    return faces.map((face) => this.apiOf(face, metricName, statistic));
  }

  tables(
    metricName: string,
    statistic: Statistic,
    tables: readonly Exclude<keyof ResourceNames, "bucket">[] = ["logTable", "metadataTable", "groupTable"],
  ): Metric[] {
    return tables
      .map((table) => this.#names[table])
      .map((name) => aws("AWS/DynamoDB", metricName, statistic, { TableName: name }, `${name}: ${metricName}`));
  }
}

/** The sum of metrics as one: what is missing counts as nothing. */
export function sumOf(label: string, metrics: readonly IMetric[]): IMetric {
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`m${index}`, metric]));
  const expression = Object.keys(usingMetrics)
    .map((id) => `FILL(${id}, 0)`)
    .join(" + ");
  return new MathExpression({ expression, usingMetrics, label, period: MINUTE });
}

function aws(
  namespace: string,
  metricName: string,
  statistic: Statistic,
  dimensionsMap: Record<string, string>,
  label: string,
): Metric {
  return new Metric({ namespace, metricName, statistic, dimensionsMap, label, period: MINUTE });
}
