import { ArnFormat, Duration, type Stack } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as AwsFunction } from "aws-cdk-lib/aws-lambda";
import { BROKER_ENVIRONMENT } from "../../lambdas/broker-environment.ts";
import type { LambdaName } from "../bundle-lambda.ts";
import { isReplicated } from "../regional.ts";
import { functionName, serviceNames, sweepRuleNames, upkeepRuleName } from "../resource-names.ts";
import type { Settings } from "../settings.ts";
import { LambdaFunction, type LambdaFunctionProps } from "./lambda-function.ts";
import {
  coordinatorPermissions,
  type DataArns,
  fetchPermissions,
  leasePermissions,
  maintenancePermissions,
  producePermissions,
  replicatorPermissions,
} from "./permissions.ts";

/** A request's: below API Gateway's 29 s, so that the function's own answer comes first. */
const REQUEST_TIMEOUT = Duration.seconds(28);
/** Lambda's limit: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAINTENANCE_TIMEOUT = Duration.minutes(15);
/** Four partitions are copied at once, in some 300 MiB as measured, or compacted, in some 500: shared/broker/tiering. */
const LEAST_MAINTENANCE_MEMORY_MB = 1_024;
/**
 * A run of the upkeep that dies may have stopped its clock and not yet looked whether something came to be due meanwhile: it is repeated, like a sweep,
 * but a run may take its 15 minutes first. Older than an hour it is the clock's next.
 */
const UPKEEP_RETRIES = 2;
const UPKEEP_MAX_AGE = Duration.hours(1);
/** A run of a minute's schedule ends within its minute, or when the next one has begun: lambdas/replicator, lambdas/lease. */
const REPLICATOR_TIMEOUT = Duration.seconds(70);
const LEASE_TIMEOUT = Duration.seconds(80);
/** It waits for answers nearly all of its time, and is billed for all of it. */
const LEASE_MEMORY_MB = 256;
/** What was produced with acks=0 and finds no room for so long is given up: nobody was promised anything. */
const HAND_OFF_MAX_AGE = Duration.minutes(5);
/**
 * A sweep that dies may have stopped its clock and not yet looked whether somebody began a group meanwhile: it is repeated, after one
 * minute and after two more.
 */
const SWEEP_RETRIES = 2;
const SWEEP_MAX_AGE = Duration.minutes(10);
/** A schedule's invocation that finds no room is the next one's. Lambda's least. */
const SCHEDULE_MAX_AGE = Duration.minutes(1);

/** The functions that act as a broker, in one region. */
export interface BrokerFunctions {
  readonly produce: AwsFunction;
  readonly fetch: AwsFunction;
  readonly coordinator: AwsFunction;
  readonly maintenance: AwsFunction;
  /** With several regions. */
  readonly regional: { readonly replicator: AwsFunction; readonly lease: AwsFunction } | undefined;
}

type MakeBroker = (
  lambda: LambdaName,
  description: string,
  permissions: PolicyStatement[],
  rest: Pick<LambdaFunctionProps, "timeout" | "memorySizeMb" | "maxEventAge" | "retryAttempts">,
  more?: Readonly<Record<string, string>>,
) => AwsFunction;

export function brokerFunctions(stack: Stack, settings: Settings, data: DataArns): BrokerFunctions {
  const environment = brokerEnvironment(stack, settings);
  const broker: MakeBroker = (lambda, description, permissions, rest, more = {}) =>
    new LambdaFunction(stack, lambda, {
      lambda,
      description: `Millrace ${settings.name}: ${description}`,
      settings,
      environment: { ...environment, ...more },
      permissions,
      ...rest,
    }).function;
  return {
    produce: broker(
      "produce",
      "every request that writes",
      producePermissions(data, {
        own: functionArn(stack, settings, "produce", stack.region),
        maintenance: settings.regions.map((region) => functionArn(stack, settings, "maintenance", region)),
      }),
      { timeout: REQUEST_TIMEOUT, maxEventAge: HAND_OFF_MAX_AGE },
      { [BROKER_ENVIRONMENT.maintenanceFunction]: functionName(settings, "maintenance") },
    ),
    fetch: broker("fetch", "every request that reads", fetchPermissions(data), { timeout: REQUEST_TIMEOUT }),
    coordinator: broker(
      "coordinator",
      "consumer groups, and the sweep over them",
      coordinatorPermissions(data, sweepRuleArns(stack, settings)),
      { timeout: REQUEST_TIMEOUT, maxEventAge: SWEEP_MAX_AGE, retryAttempts: SWEEP_RETRIES },
      coordinatorEnvironment(stack, settings),
    ),
    maintenance: maintenance(stack, settings, data, broker),
    regional: isReplicated(settings)
      ? {
          replicator: broker("replicator", "followers, and who is in sync", replicatorPermissions(data), {
            timeout: REPLICATOR_TIMEOUT,
            maxEventAge: SCHEDULE_MAX_AGE,
          }),
          lease: broker(
            "lease",
            "that this region is alive, and leaders for those that are not",
            leasePermissions(data),
            {
              timeout: LEASE_TIMEOUT,
              memorySizeMb: LEASE_MEMORY_MB,
              maxEventAge: SCHEDULE_MAX_AGE,
            },
          ),
        }
      : undefined,
  };
}

/** With one region its clock is one that it sets itself; with several there is one that always goes. */
function maintenance(stack: Stack, settings: Settings, data: DataArns, broker: MakeBroker): AwsFunction {
  const memorySizeMb = Math.max(settings.memorySizeMb, LEAST_MAINTENANCE_MEMORY_MB);
  const common = { timeout: MAINTENANCE_TIMEOUT, memorySizeMb };
  const what = "work in the background";
  if (data.isReplicated) {
    return broker("maintenance", what, maintenancePermissions(data), { ...common, maxEventAge: SCHEDULE_MAX_AGE });
  }
  const rule = upkeepRuleName(settings);
  return broker(
    "maintenance",
    what,
    maintenancePermissions(data, ruleArn(stack, rule)),
    { ...common, maxEventAge: UPKEEP_MAX_AGE, retryAttempts: UPKEEP_RETRIES },
    { [BROKER_ENVIRONMENT.upkeepRule]: rule },
  );
}

/** By its name, since a function's own policy cannot refer to the function, nor a region's to another's. */
function functionArn(stack: Stack, settings: Settings, lambda: LambdaName, region: string): string {
  const [arnFormat, resourceName] = [ArnFormat.COLON_RESOURCE_NAME, functionName(settings, lambda)];
  return stack.formatArn({ service: "lambda", resource: "function", region, resourceName, arnFormat });
}

function sweepRuleArns(stack: Stack, settings: Settings): string[] {
  const { minute, hour } = sweepRuleNames(settings);
  return [minute, hour].map((name) => ruleArn(stack, name));
}

function ruleArn(stack: Stack, resourceName: string): string {
  return stack.formatArn({ service: "events", resource: "rule", resourceName });
}

function coordinatorEnvironment(stack: Stack, settings: Settings): Record<string, string> {
  const { minute, hour } = sweepRuleNames(settings);
  return {
    [BROKER_ENVIRONMENT.groupTable]: serviceNames(settings, stack.account, stack.region).groupTable,
    [BROKER_ENVIRONMENT.sweepRules]: `${minute},${hour}`,
    [BROKER_ENVIRONMENT.consumerDialect]: settings.consumerDialect,
  };
}

function brokerEnvironment(stack: Stack, settings: Settings): Record<string, string> {
  const { regions, leaseSeconds, replicaLagSeconds } = settings;
  const { logTable, metadataTable, bucket } = serviceNames(settings, stack.account, stack.region);
  const common = {
    [BROKER_ENVIRONMENT.logTable]: logTable,
    [BROKER_ENVIRONMENT.metadataTable]: metadataTable,
    [BROKER_ENVIRONMENT.regions]: regions.join(","),
  };
  if (!isReplicated(settings)) return { ...common, [BROKER_ENVIRONMENT.segments]: `s3://${bucket}` };
  return {
    ...common,
    [BROKER_ENVIRONMENT.segments]: `s3://${serviceNames(settings, stack.account, "{region}").bucket}`,
    [BROKER_ENVIRONMENT.leaseMs]: String(leaseSeconds * 1_000),
    [BROKER_ENVIRONMENT.replicaLagTimeMaxMs]: String(replicaLagSeconds * 1_000),
  };
}
