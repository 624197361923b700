import { Duration } from "aws-cdk-lib";
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  type IFunction,
  StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/**
 * What is put within a second rings once. The writer of acks=all feeds the followers itself, so what waits for the bell is
 * acks=1; without a window each append would be an invocation in every region.
 */
const WINDOW = Duration.seconds(1);
const MAX_RECORDS = 1_000;
/** Older than a minute, the schedule has been there. */
const MAX_AGE = Duration.minutes(1);

/**
 * Wakes the replicator when something is put into the region's log. Nothing is lost with a record that is given up: the
 * schedule looks after every log that this region leads.
 */
export class LogBell extends Construct {
  constructor(scope: Construct, id: string, target: IFunction, streamArn: string) {
    super(scope, id);
    new EventSourceMapping(this, "Mapping", {
      target,
      eventSourceArn: streamArn,
      startingPosition: StartingPosition.LATEST,
      // TTL's removals ring no bell.
      filters: [FilterCriteria.filter({ eventName: FilterRule.or("INSERT", "MODIFY") })],
      batchSize: MAX_RECORDS,
      maxBatchingWindow: WINDOW,
      parallelizationFactor: 1,
      maxRecordAge: MAX_AGE,
      retryAttempts: 0,
      reportBatchItemFailures: true,
    });
  }
}
