import { Duration } from "aws-cdk-lib";
import { Rule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { hourly } from "./clock.ts";

/** A run that EventBridge could not begin is the next hour's. */
const MAX_EVENT_AGE = Duration.minutes(1);

export interface UpkeepClockProps {
  readonly maintenance: IFunction;
  readonly metadataTable: string;
  readonly ruleName: string;
}

/**
 * What brings the upkeep of logs with one region: a clock of an hour, which the maintenance function turns on and off. It goes while time alone makes
 * something due; where it does not, writers begin the upkeep (shared/broker/tiering/upkeep-bell.ts). A log that fills a segment before the hour is
 * over needs no clock: its writers ring then too.
 *
 * It is made running, and the first run finds out whether it is needed: so a clock that a deployment makes anew, or for a table that was restored, is
 * never left off while logs are to be kept. By the hour of the day, not by a rate: that may begin anew each time when the rule is turned on, and runs
 * for single logs turn it on often.
 */
export class UpkeepClock extends Construct {
  constructor(scope: Construct, id: string, { maintenance, metadataTable, ruleName }: UpkeepClockProps) {
    super(scope, id);
    new Rule(this, "Rule", {
      ruleName,
      description: `Keeps the logs of ${metadataTable} while something will be due; maintenance turns it on and off`,
      schedule: hourly(0, 1),
      targets: [new LambdaTarget(maintenance, { retryAttempts: 0, maxEventAge: MAX_EVENT_AGE })],
    });
  }
}
