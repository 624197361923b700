import { BROKER_ENVIRONMENT } from "../../lambdas/broker-environment.ts";

/**
 * The environment that Lambda gives a function, and nothing of this machine's; with the embedded store in DynamoDB's place.
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export function lambdaEnvironment(
  endpoint: string,
  tables: { readonly log: string; readonly metadata: string; readonly group?: string },
): Record<string, string> {
  return {
    PATH: "/usr/local/bin:/usr/bin/:/bin",
    TZ: ":UTC",
    LANG: "en_US.UTF-8",
    AWS_REGION: "us-east-1",
    AWS_DEFAULT_REGION: "us-east-1",
    AWS_ACCESS_KEY_ID: "embedded",
    AWS_SECRET_ACCESS_KEY: "embedded",
    AWS_SESSION_TOKEN: "embedded",
    AWS_LAMBDA_FUNCTION_NAME: "millrace-produce",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "1024",
    AWS_ENDPOINT_URL_DYNAMODB: endpoint,
    POWERTOOLS_SERVICE_NAME: "millrace",
    POWERTOOLS_METRICS_NAMESPACE: "Millrace",
    POWERTOOLS_LOG_LEVEL: "INFO",
    [BROKER_ENVIRONMENT.logTable]: tables.log,
    [BROKER_ENVIRONMENT.metadataTable]: tables.metadata,
    ...(tables.group === undefined ? {} : { [BROKER_ENVIRONMENT.groupTable]: tables.group }),
    [BROKER_ENVIRONMENT.segments]: "s3://millrace-segments",
  };
}
