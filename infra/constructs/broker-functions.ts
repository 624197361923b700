import { ArnFormat, Duration, type Stack } from "aws-cdk-lib";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { Function as AwsFunction } from "aws-cdk-lib/aws-lambda";
import { BROKER_ENVIRONMENT } from "../../lambdas/broker-environment.ts";
import type { LambdaName } from "../bundle-lambda.ts";
import { isReplicated } from "../regional.ts";
import { serviceNames, sweepRuleNames } from "../resource-names.ts";
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

export function brokerFunctions(stack: Stack, settings: Settings, data: DataArns): BrokerFunctions {
  const environment = brokerEnvironment(stack, settings);
  const broker = (
    lambda: LambdaName,
    description: string,
    permissions: PolicyStatement[],
    rest: Pick<LambdaFunctionProps, "timeout" | "memorySizeMb" | "maxEventAge" | "retryAttempts">,
    more: Readonly<Record<string, string>> = {},
  ) =>
    new LambdaFunction(stack, lambda, {
      lambda,
      description: `Millrace ${settings.name}: ${description}`,
      settings,
      environment: { ...environment, ...more },
      permissions,
      ...rest,
    }).function;
  return {
    produce: broker("produce", "every request that writes", producePermissions(data, produceArn(stack, settings)), {
      timeout: REQUEST_TIMEOUT,
      maxEventAge: HAND_OFF_MAX_AGE,
    }),
    fetch: broker("fetch", "every request that reads", fetchPermissions(data), { timeout: REQUEST_TIMEOUT }),
    coordinator: broker(
      "coordinator",
      "consumer groups, and the sweep over them",
      coordinatorPermissions(data, sweepRuleArns(stack, settings)),
      { timeout: REQUEST_TIMEOUT, maxEventAge: SWEEP_MAX_AGE, retryAttempts: SWEEP_RETRIES },
      coordinatorEnvironment(stack, settings),
    ),
    maintenance: broker("maintenance", "work in the background", maintenancePermissions(data), {
      timeout: MAINTENANCE_TIMEOUT,
      maxEventAge: data.isReplicated ? SCHEDULE_MAX_AGE : undefined,
    }),
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

/** By its name, since a function's own policy cannot refer to the function. */
function produceArn(stack: Stack, { name }: Settings): string {
  const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
  return stack.formatArn({ service: "lambda", resource: "function", resourceName: `${name}-produce`, arnFormat });
}

function sweepRuleArns(stack: Stack, settings: Settings): string[] {
  const { minute, hour } = sweepRuleNames(settings);
  return [minute, hour].map((resourceName) => stack.formatArn({ service: "events", resource: "rule", resourceName }));
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
