import type { Metric } from "aws-cdk-lib/aws-cloudwatch";

/** When an alarm goes off. */
export interface AlarmCondition {
  /** The alarm's name behind the deployment's, and the heading in docs/runbook.md. */
  readonly id: string;
  readonly what: string;
  readonly metric: Metric;
  readonly threshold: number;
  /** Out of so many periods, so many must be over. */
  readonly outOf: number;
  readonly over: number;
  /** Goes off below the threshold, and when nothing is measured, instead of above it. */
  readonly isMissed?: boolean;
}
