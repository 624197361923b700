import { Duration, Stack } from "aws-cdk-lib";
import { Alarm, ComparisonOperator, Metric, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import { type ITopic, Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import { inRegion, isReplicated } from "../regional.ts";
import type { Settings } from "../settings.ts";
import type { AlarmCondition } from "./alarm-condition.ts";
import { replicationConditions } from "./replication-alarms.ts";
import type { ServiceMetrics } from "./service-metrics.ts";

const HOUR_MS = 3_600_000;
/** Half of what writers wait for before they set no TTL any more (MAX_TIERING_LAG_MS), and days before a TTL ends. */
const TIERING_LAG_ALARM_MS = 12 * HOUR_MS;

/** Every alarm there is: each a heading in docs/runbook.md, ten cents a month. */
export class Alarms extends Construct {
  readonly all: readonly Alarm[];

  constructor(scope: Construct, id: string, settings: Settings, metrics: ServiceMetrics) {
    super(scope, id);
    const topic = this.#topic(settings);
    this.all = conditions(settings, metrics).map((condition) => {
      const alarm = new Alarm(this, condition.id, {
        alarmName: `${settings.name}-${condition.id}`,
        alarmDescription: `${condition.what} What to do: docs/runbook.md#${condition.id}`,
        metric: unlabelled(condition.metric),
        threshold: condition.threshold,
        evaluationPeriods: condition.outOf,
        datapointsToAlarm: condition.over,
        comparisonOperator: condition.isMissed
          ? ComparisonOperator.LESS_THAN_THRESHOLD
          : ComparisonOperator.GREATER_THAN_THRESHOLD,
        // Nothing is measured where nothing is done.
        treatMissingData: condition.isMissed ? TreatMissingData.BREACHING : TreatMissingData.NOT_BREACHING,
      });
      if (topic !== undefined) {
        alarm.addAlarmAction(new SnsAction(topic));
        alarm.addOkAction(new SnsAction(topic));
      }
      return alarm;
    });
  }

  /** undefined: alarms are seen on the dashboard and in the console, and tell nobody. */
  #topic({ name, alarmTopicArn, alarmEmail }: Settings): ITopic | undefined {
    if (alarmTopicArn !== undefined)
      return Topic.fromTopicArn(this, "Topic", inRegion(alarmTopicArn, Stack.of(this).region));
    if (alarmEmail === undefined) return undefined;
    const topic = new Topic(this, "Topic", { topicName: `${name}-alarms`, enforceSSL: true });
    topic.addSubscription(new EmailSubscription(alarmEmail));
    return topic;
  }
}

/** With a label, an alarm becomes one on an expression. */
function unlabelled({ namespace, metricName, dimensions = {}, statistic, period }: Metric): Metric {
  return new Metric({ namespace, metricName, dimensionsMap: dimensions, statistic, period });
}

/**
 * Each is on one metric as it is: CloudWatch bills an alarm on an expression for every metric in it, and emulators know none.
 * Thresholds are sums of a minute unless told.
 */
function conditions(settings: Settings, metrics: ServiceMetrics): AlarmCondition[] {
  const failures = (lambda: string, what: string): AlarmCondition => ({
    id: `${lambda}-failures`,
    what,
    metric: metrics.lambda(lambda, "Errors", "Sum"),
    threshold: 0,
    outOf: 5,
    over: 3,
  });
  const throttles = (lambda: string): AlarmCondition => ({
    id: `${lambda}-throttles`,
    what: `Lambda refuses invocations of the ${lambda} function: the account's concurrency is used up.`,
    metric: metrics.lambda(lambda, "Throttles", "Sum"),
    threshold: 0,
    outOf: 5,
    over: 2,
  });
  const hourly = (metric: Metric): Metric => metric.with({ period: Duration.hours(1) });
  return [
    failures("produce", "The produce function crashed or ran out of time."),
    failures("fetch", "The fetch function crashed or ran out of time."),
    failures(
      "coordinator",
      "The coordinator function crashed or ran out of time: in a request, in a sweep, or in setting its clock.",
    ),
    throttles("produce"),
    throttles("fetch"),
    throttles("coordinator"),
    {
      id: "failed-answers",
      what: "Requests end in a 5xx answer.",
      metric: metrics.own("Errors", "Sum"),
      threshold: 5,
      outOf: 5,
      over: 3,
    },
    {
      id: "store-throttles",
      what: "DynamoDB or S3 refuses requests: a partition, a table or a bucket is at its limit.",
      metric: metrics.own("StoreThrottles", "Sum"),
      threshold: 10,
      outOf: 5,
      over: 3,
    },
    {
      id: "slow-produce",
      what: "One produce in a hundred takes more than two seconds.",
      metric: metrics.own("ProduceLatency", "p99"),
      threshold: 2_000,
      outOf: 15,
      over: 10,
    },
    {
      id: "contended-partitions",
      what: "Writers lose more than ten slots a second to each other.",
      metric: metrics.own("AppendConflicts", "Sum"),
      threshold: 600,
      outOf: 15,
      over: 10,
    },
    {
      ...failures("maintenance", "The maintenance function failed, hour after hour."),
      metric: hourly(metrics.lambda("maintenance", "Errors", "Sum")),
      outOf: 3,
      over: 2,
    },
    {
      id: "tiering-lag",
      what: "Hot items that are due have not been copied into segments for more than twelve hours.",
      // Told once in an hour: one value that is late, of a log that just began to be written again, is none.
      metric: hourly(metrics.own("TieringLag", "Maximum")),
      threshold: TIERING_LAG_ALARM_MS,
      outOf: 3,
      over: 2,
    },
    ...(isReplicated(settings)
      ? replicationConditions(settings, metrics)
      : [
          {
            id: "maintenance-behind",
            what: "What deleted topics left behind is not yet removed after hours.",
            // The age of the deletion that it was last invoked for, time and again until all is removed.
            metric: hourly(metrics.lambda("maintenance", "IteratorAge", "Maximum")),
            threshold: 2 * HOUR_MS,
            outOf: 1,
            over: 1,
          },
        ]),
    ...(settings.maxConsumerLag === undefined
      ? []
      : [
          {
            id: "consumer-lag",
            what: `A consumer group stays more than ${settings.maxConsumerLag} records behind.`,
            metric: metrics.own("ConsumerLag", "Maximum"),
            threshold: settings.maxConsumerLag,
            outOf: 15,
            over: 10,
          },
        ]),
    ...(settings.access.oidc === undefined
      ? []
      : [
          {
            id: "authorizer-failures",
            what: "Requests with tokens end in 5xx: an issuer's keys cannot be read, or the authorizer fails.",
            // The function's own errors would count each refused token: "Unauthorized" has to be thrown.
            metric: metrics.apiOf("oidc", "5XXError", "Sum"),
            threshold: 5,
            outOf: 5,
            over: 3,
          },
        ]),
  ];
}
