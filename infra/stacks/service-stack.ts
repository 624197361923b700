import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { TokenAuthorizer } from "aws-cdk-lib/aws-apigateway";
import type { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import type { Construct } from "constructs";
import { BEARER_EXPRESSION, ENVIRONMENT, type TrustedIdentity } from "../../lambdas/authorizer/environment.ts";
import { BROKER_ENVIRONMENT } from "../../lambdas/broker-environment.ts";
import type { LambdaName } from "../bundle-lambda.ts";
import { AccessLogs } from "../constructs/access-logs.ts";
import { Alarms } from "../constructs/alarms.ts";
import { ApiKeys } from "../constructs/api-keys.ts";
import { DeletedTopicsTrigger } from "../constructs/deleted-topics-trigger.ts";
import { HttpFace, type HttpFaceProps, STAGE } from "../constructs/http-face.ts";
import { LambdaFunction } from "../constructs/lambda-function.ts";
import {
  type DataArns,
  fetchPermissions,
  maintenancePermissions,
  producePermissions,
} from "../constructs/permissions.ts";
import { ServiceDashboard } from "../constructs/service-dashboard.ts";
import { ServiceMetrics } from "../constructs/service-metrics.ts";
import { metadataStreamParameter, type ResourceNames, serviceNames } from "../resource-names.ts";
import type { Domain, Face, Settings } from "../settings.ts";

export interface ServiceStackProps extends StackProps {
  readonly settings: Settings;
}

/** A request's: below API Gateway's 29 s, so that the function's own answer comes first. */
const REQUEST_TIMEOUT = Duration.seconds(28);
const AUTHORIZER_TIMEOUT = Duration.seconds(10);
/** How long API Gateway goes by an answer about a token: so long a token may outlive its own end, or a change of settings. */
const AUTHORIZATION_TTL = Duration.minutes(1);
/** Lambda's limit: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const MAINTENANCE_TIMEOUT = Duration.minutes(15);

/** What can be made anew at any time: functions, ways in, alarms, dashboard. It keeps nothing. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const names = serviceNames(settings, this.account);
    const data = this.#arns(names, settings);
    const metadataStream = this.#metadataStream(settings);
    const broker = (lambda: LambdaName, description: string, permissions: PolicyStatement[], timeout: Duration) =>
      new LambdaFunction(this, lambda, {
        lambda,
        description: `Millrace ${settings.name}: ${description}`,
        settings,
        environment: brokerEnvironment(names, settings),
        permissions,
        timeout,
      }).function;
    const functions = {
      produce: broker("produce", "every request that writes", producePermissions(data), REQUEST_TIMEOUT),
      fetch: broker("fetch", "every request that reads", fetchPermissions(data), REQUEST_TIMEOUT),
      maintenance: broker(
        "maintenance",
        "work in the background",
        maintenancePermissions(data, metadataStream),
        MAINTENANCE_TIMEOUT,
      ),
    };
    this.#faces(settings, functions);
    new DeletedTopicsTrigger(this, "DeletedTopics", functions.maintenance, metadataStream);
    const metrics = new ServiceMetrics(settings, names);
    const alarms = new Alarms(this, "Alarms", settings, metrics);
    new ServiceDashboard(this, "Dashboard", settings, metrics, alarms.all);
  }

  /** A REST API for each way in that the settings open, and what a caller must know of it as outputs. */
  #faces(settings: Settings, functions: HttpFaceProps["functions"]): HttpFace[] {
    const { apiKey, iam, oidc } = settings.access;
    const accessLogs = settings.accessLogs ? new AccessLogs(this, "AccessLogs", settings) : undefined;
    const face = (
      name: Face,
      id: string,
      authorization: HttpFaceProps["authorization"],
      domain: Domain | undefined,
    ) => {
      const made = new HttpFace(this, id, { name, settings, functions, authorization, domain, accessLogs });
      new CfnOutput(this, `${id}Url`, { value: made.url, description: `Where clients call Millrace: ${name}` });
      return made;
    };
    const faces: HttpFace[] = [];
    if (apiKey !== undefined) {
      const made = face("apiKey", "ApiKey", { kind: "api-key" }, apiKey.domain);
      const { ids } = new ApiKeys(this, "Keys", { api: made.api, settings, face: apiKey });
      new CfnOutput(this, "ApiKeyIds", {
        value: [...ids].map(([name, id]) => `${name}=${id}`).join(","),
        description: "Keys by name; aws apigateway get-api-key --include-value --api-key ID shows one",
      });
      faces.push(made);
    }
    if (iam !== undefined) {
      const made = face("iam", "Iam", { kind: "iam" }, iam.domain);
      new CfnOutput(this, "IamResource", {
        value: made.api.arnForExecuteApi("*", "/*", STAGE),
        description: "What a caller's policy allows execute-api:Invoke on",
      });
      faces.push(made);
    }
    if (oidc !== undefined) {
      const authorizer = this.#authorizer(settings, oidc.identities);
      faces.push(face("oidc", "Oidc", { kind: "authorizer", authorizer }, oidc.domain));
    }
    return faces;
  }

  #authorizer(settings: Settings, identities: readonly TrustedIdentity[]): TokenAuthorizer {
    const { function: handler } = new LambdaFunction(this, "authorizer", {
      lambda: "authorizer",
      description: `Millrace ${settings.name}: who a token of another cloud stands for`,
      settings,
      environment: { [ENVIRONMENT.trustedIdentities]: JSON.stringify(identities) },
      permissions: [],
      timeout: AUTHORIZER_TIMEOUT,
    });
    return new TokenAuthorizer(this, "TokenAuthorizer", {
      authorizerName: `${settings.name}-oidc`,
      handler,
      validationRegex: BEARER_EXPRESSION,
      resultsCacheTtl: AUTHORIZATION_TTL,
    });
  }

  /** The ARN as the data stack tells it, looked up with every deployment, or that of a restored table's. */
  #metadataStream(settings: Settings): string {
    const { metadataStreamArn } = settings.restored;
    return metadataStreamArn ?? StringParameter.valueForStringParameter(this, metadataStreamParameter(settings));
  }

  #arns(names: ResourceNames, { encryptionKeyArn }: Settings): DataArns {
    const table = (resourceName: string) => this.formatArn({ service: "dynamodb", resource: "table", resourceName });
    return {
      logTable: table(names.logTable),
      metadataTable: table(names.metadataTable),
      bucket: this.formatArn({ service: "s3", region: "", account: "", resource: names.bucket }),
      key: encryptionKeyArn,
    };
  }
}

function brokerEnvironment(names: ResourceNames, { regions }: Settings): Record<string, string> {
  return {
    [BROKER_ENVIRONMENT.logTable]: names.logTable,
    [BROKER_ENVIRONMENT.metadataTable]: names.metadataTable,
    [BROKER_ENVIRONMENT.segments]: `s3://${names.bucket}`,
    [BROKER_ENVIRONMENT.regions]: regions.join(","),
  };
}
