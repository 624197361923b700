import { CfnOutput, Duration, Stack, type StackProps } from "aws-cdk-lib";
import { TokenAuthorizer } from "aws-cdk-lib/aws-apigateway";
import type { Construct } from "constructs";
import { BEARER_EXPRESSION, ENVIRONMENT, type TrustedIdentity } from "../../lambdas/authorizer/environment.ts";
import { AccessLogs } from "../constructs/access-logs.ts";
import { Alarms } from "../constructs/alarms.ts";
import { ApiKeys } from "../constructs/api-keys.ts";
import { type BrokerFunctions, brokerFunctions } from "../constructs/broker-functions.ts";
import { Clock, EVERY_MINUTE, hourly } from "../constructs/clock.ts";
import { dataArns } from "../constructs/data-arns.ts";
import { DeletedTopicsTrigger } from "../constructs/deleted-topics-trigger.ts";
import { GroupSweep } from "../constructs/group-sweep.ts";
import { HttpFace, type HttpFaceProps, STAGE } from "../constructs/http-face.ts";
import { LambdaFunction } from "../constructs/lambda-function.ts";
import { LogBell } from "../constructs/log-bell.ts";
import { ServiceDashboard } from "../constructs/service-dashboard.ts";
import { ServiceMetrics } from "../constructs/service-metrics.ts";
import { UpkeepClock } from "../constructs/upkeep-clock.ts";
import { serviceNames, sweepRuleNames, upkeepRuleName } from "../resource-names.ts";
import type { Domain, Face, Settings } from "../settings.ts";

export interface ServiceStackProps extends StackProps {
  readonly settings: Settings;
}

const AUTHORIZER_TIMEOUT = Duration.seconds(10);
/** How long API Gateway goes by an answer about a token: so long a token may outlive its own end, or a change of settings. */
const AUTHORIZATION_TTL = Duration.minutes(1);

/** What can be made anew at any time, in one region: functions, ways in, alarms, dashboard. It keeps nothing. */
export class ServiceStack extends Stack {
  constructor(scope: Construct, id: string, { settings, ...props }: ServiceStackProps) {
    super(scope, id, props);
    const data = dataArns(this, settings);
    const functions = brokerFunctions(this, settings, data);
    this.#faces(settings, functions);
    this.#work(settings, functions, data.stream);
    new GroupSweep(this, "GroupSweep", {
      coordinator: functions.coordinator,
      streamArn: data.groupStream,
      groupTable: serviceNames(settings, this.account, this.region).groupTable,
      rules: sweepRuleNames(settings),
    });
    const metrics = new ServiceMetrics(settings, serviceNames(settings, this.account, this.region));
    const alarms = new Alarms(this, "Alarms", settings, metrics);
    new ServiceDashboard(this, "Dashboard", settings, metrics, alarms.all);
  }

  /** What begins the functions that nobody calls. */
  #work(settings: Settings, { maintenance, regional }: BrokerFunctions, stream: string): void {
    const { name, regions } = settings;
    if (regional === undefined) {
      new DeletedTopicsTrigger(this, "DeletedTopics", maintenance, stream);
      const { metadataTable } = serviceNames(settings, this.account, this.region);
      new UpkeepClock(this, "UpkeepClock", { maintenance, metadataTable, ruleName: upkeepRuleName(settings) });
      return;
    }
    const what = `Millrace ${name}`;
    new LogBell(this, "LogBell", regional.replicator, stream);
    new Clock(this, "ReplicatorClock", regional.replicator, EVERY_MINUTE, `${what}: followers that no bell told of`);
    new Clock(this, "LeaseClock", regional.lease, EVERY_MINUTE, `${what}: this region is alive`);
    const schedule = hourly(regions.indexOf(this.region), regions.length);
    new Clock(this, "MaintenanceClock", maintenance, schedule, `${what}: logs, and what deleted topics left behind`);
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
}
