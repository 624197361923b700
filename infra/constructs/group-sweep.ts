import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  type IFunction,
  StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { GROUP_LISTINGS_KEY, GROUP_TABLE } from "../../shared/storage/dynamodb/table-schema.ts";
import type { SweepRuleNames } from "../resource-names.ts";

/** Groups that begin within a second set the clock once. */
const WINDOW = Duration.seconds(1);
const MAX_RECORDS = 1_000;
/** As long as a stream keeps its records: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html */
const MAX_RECORD_AGE = Duration.hours(24);
const MAX_RETRIES = 1_000;
/** A sweep that EventBridge could not begin is the next minute's. */
const MAX_EVENT_AGE = Duration.minutes(1);

export interface GroupSweepProps {
  readonly coordinator: IFunction;
  /** Of the group table. */
  readonly streamArn: string;
  readonly groupTable: string;
  readonly rules: SweepRuleNames;
}

/**
 * What brings the sweep over a region's consumer groups: two clocks, which the coordinator turns on and off, and the group table's stream,
 * which wakes it when a group begins, comes to its end or is deleted. Lambda reads a table's stream for nothing, and what the filter leaves out
 * invokes nothing: where no group is in use, and none has offsets that will expire, nothing is billed.
 *
 * Both clocks are made running: the first sweep finds out which is needed. So a clock that a deployment makes anew, or of another
 * table, is never left off while there are groups.
 */
export class GroupSweep extends Construct {
  constructor(scope: Construct, id: string, { coordinator, streamArn, groupTable, rules }: GroupSweepProps) {
    super(scope, id);
    const clock = (ruleId: string, ruleName: string, every: Duration, why: string) =>
      new Rule(this, ruleId, {
        ruleName,
        description: `Sweeps the groups of ${groupTable} while ${why}; the coordinator turns it on and off`,
        schedule: Schedule.rate(every),
        targets: [new LambdaTarget(coordinator, { retryAttempts: 0, maxEventAge: MAX_EVENT_AGE })],
      });
    clock("MinuteRule", rules.minute, Duration.minutes(1), "some have members");
    clock("HourRule", rules.hour, Duration.hours(1), "some have offsets that will expire");
    new EventSourceMapping(this, "Mapping", {
      target: coordinator,
      eventSourceArn: streamArn,
      // Groups that begin while a deployment makes the mapping anew count too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: [
        FilterCriteria.filter({
          dynamodb: { Keys: { [GROUP_TABLE.partitionKey.name]: { S: FilterRule.isEqual(GROUP_LISTINGS_KEY) } } },
        }),
      ],
      batchSize: MAX_RECORDS,
      maxBatchingWindow: WINDOW,
      parallelizationFactor: 1,
      maxRecordAge: MAX_RECORD_AGE,
      retryAttempts: MAX_RETRIES,
      reportBatchItemFailures: true,
    });
  }
}
