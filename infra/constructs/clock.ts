import { Duration } from "aws-cdk-lib";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction as LambdaTarget } from "aws-cdk-lib/aws-events-targets";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";

/** Nothing that a schedule begins is worth beginning late: it comes again. EventBridge's least. */
const MAX_AGE = Duration.minutes(1);

/** Invokes a function by a clock that always goes: with several regions. With one, clocks stop by themselves. */
export class Clock extends Construct {
  constructor(scope: Construct, id: string, target: IFunction, schedule: Schedule, description: string) {
    super(scope, id);
    new Rule(this, "Rule", {
      description,
      schedule,
      targets: [new LambdaTarget(target, { retryAttempts: 0, maxEventAge: MAX_AGE })],
    });
  }
}

export const EVERY_MINUTE = Schedule.rate(Duration.minutes(1));

/** Each hour, a region after the other, so that two seldom do the same. */
export function hourly(brokerIndex: number, brokerCount: number): Schedule {
  return Schedule.cron({ minute: String(Math.floor((60 * brokerIndex) / brokerCount)) });
}
