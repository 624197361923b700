import { join } from "node:path";
import { AssetHashType, DockerImage, type Duration, RemovalPolicy, Stack, Token } from "aws-cdk-lib";
import { Effect, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as AwsFunction, Code, Runtime } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { METRICS_NAMESPACE } from "../../shared/runtime/metric-names.ts";
import { acknowledge } from "../acknowledgements.ts";
import { bundleLambda, type LambdaName } from "../bundle-lambda.ts";
import { functionName } from "../resource-names.ts";
import type { Settings } from "../settings.ts";

export interface LambdaFunctionProps {
  /** The folder under lambdas/, and the end of the function's name. */
  readonly lambda: LambdaName;
  readonly description: string;
  readonly settings: Settings;
  readonly environment: Readonly<Record<string, string>>;
  readonly permissions: readonly PolicyStatement[];
  readonly timeout: Duration;
  /** Unless told, what the settings say. */
  readonly memorySizeMb?: number | undefined;
  /** For a function that is invoked asynchronously: how long an invocation may wait for its turn. */
  readonly maxEventAge?: Duration | undefined;
  /** How often such an invocation is repeated when it fails; not at all unless told. */
  readonly retryAttempts?: number | undefined;
}

/** A function of lambdas/: bundled, with a log group and a role of its own that may do what it is told and nothing else. */
export class LambdaFunction extends Construct {
  readonly function: AwsFunction;

  constructor(scope: Construct, id: string, props: LambdaFunctionProps) {
    super(scope, id);
    const { lambda, settings } = props;
    const name = functionName(settings, lambda);
    const logGroup = new LogGroup(this, "Logs", {
      logGroupName: `/aws/lambda/${name}`,
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", { assumedBy: new ServicePrincipal("lambda.amazonaws.com") });
    // Without CreateLogGroup: a function that outlives its log group for a moment must not make it anew.
    const writeLogs = new PolicyStatement({
      sid: "WriteLogs",
      effect: Effect.ALLOW,
      actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
      resources: [logGroup.logGroupArn],
    });
    for (const statement of [writeLogs, ...props.permissions]) role.addToPolicy(statement);
    this.function = new AwsFunction(this, "Function", {
      functionName: name,
      description: props.description,
      code: bundledCode(lambda),
      handler: "handler.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: props.memorySizeMb ?? settings.memorySizeMb,
      timeout: props.timeout,
      role,
      logGroup,
      ...(props.maxEventAge === undefined
        ? {}
        : { maxEventAge: props.maxEventAge, retryAttempts: props.retryAttempts ?? 0 }),
      environment: {
        ...props.environment,
        POWERTOOLS_SERVICE_NAME: settings.name,
        POWERTOOLS_METRICS_NAMESPACE: METRICS_NAMESPACE,
        POWERTOOLS_LOG_LEVEL: settings.logLevel,
      },
    });
    acknowledgeObjects(role, props.permissions);
  }
}

/** Objects have no names beforehand, so permissions on them end in a wildcard. Any other wildcard is a finding. */
function acknowledgeObjects(role: Role, permissions: readonly PolicyStatement[]): void {
  const { account } = Stack.of(role);
  const objects = permissions
    .flatMap(({ resources }) => resources)
    .filter((resource) => /:s3:::.+\/\*$/.test(resource));
  for (const resource of new Set(objects)) {
    const shown = Token.isUnresolved(account) ? resource.replace(account, "<AWS::AccountId>") : resource;
    const id = `AwsSolutions-IAM5[Resource::${shown}]`;
    acknowledge(role, {
      [id]: "Objects of one bucket, by the actions that the function needs: they have no names beforehand.",
    });
  }
}

/** Bundled into the cloud assembly; the hash is that of what came out, so that the same source is not deployed twice. */
function bundledCode(lambda: LambdaName): Code {
  return Code.fromAsset(join(import.meta.dirname, "../../lambdas", lambda), {
    assetHashType: AssetHashType.OUTPUT,
    bundling: {
      // Never run: bundling is done in this process.
      image: DockerImage.fromRegistry("scratch"),
      local: {
        tryBundle: (folder) => {
          bundleLambda(lambda, folder);
          return true;
        },
      },
    },
  });
}
