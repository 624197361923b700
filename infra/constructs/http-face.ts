import { CfnOutput, Duration } from "aws-cdk-lib";
import {
  AccessLogFormat,
  AuthorizationType,
  DomainName,
  EndpointType,
  type IAuthorizer,
  type IRestApi,
  LambdaIntegration,
  LogGroupLogDestination,
  type MethodOptions,
  RestApi,
  SecurityPolicy,
  type StageOptions,
} from "aws-cdk-lib/aws-apigateway";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import { ARecord, HostedZone, RecordTarget } from "aws-cdk-lib/aws-route53";
import { ApiGatewayDomain } from "aws-cdk-lib/aws-route53-targets";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledgements.ts";
import type { Domain, Face, Settings } from "../settings.ts";
import type { AccessLogs } from "./access-logs.ts";
import { addGatewayResponses } from "./gateway-responses.ts";

/** The stage's name; it is in every URL of API Gateway's own host. */
export const STAGE = "prod";

/** Methods that only read: theirs is the fetch function, which can do no more than that. All others are produce's. */
export const READING_METHODS = ["GET", "HEAD", "OPTIONS"] as const;

export interface HttpFaceProps {
  readonly name: Face;
  readonly settings: Settings;
  readonly functions: Readonly<Record<"produce" | "fetch", IFunction>>;
  /** How a caller shows who it is. */
  readonly authorization:
    | { readonly kind: "api-key" }
    | { readonly kind: "iam" }
    | { readonly kind: "authorizer"; readonly authorizer: IAuthorizer };
  readonly domain: Domain | undefined;
  readonly accessLogs: AccessLogs | undefined;
}

/** One way in: a REST API whose every request goes to one of two functions, which know the routes. */
export class HttpFace extends Construct {
  readonly api: RestApi;
  /** Where clients call it, without a slash at the end. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: HttpFaceProps) {
    super(scope, id);
    const { settings, name, functions } = props;
    this.api = new RestApi(this, "Api", {
      restApiName: apiName(settings, name),
      description: `Millrace ${settings.name}: ${name}`,
      endpointTypes: [EndpointType.REGIONAL],
      // All bodies come in base64, so that what fits into a request fits into a function's event, whatever is in it.
      binaryMediaTypes: ["*/*"],
      cloudWatchRole: false,
      deployOptions: this.#stage(props),
    });
    if (props.accessLogs !== undefined) this.api.deploymentStage.node.addDependency(props.accessLogs.account);
    const method = methodOptions(props.authorization);
    const integrations = {
      produce: integration(functions.produce),
      fetch: integration(functions.fetch),
    };
    for (const resource of [this.api.root, this.api.root.addResource("{proxy+}")]) {
      for (const reading of READING_METHODS) resource.addMethod(reading, integrations.fetch, method);
      resource.addMethod("ANY", integrations.produce, method);
    }
    addGatewayResponses(this.api);
    if (props.domain !== undefined) this.#useDomain(props.domain);
    this.url = props.domain === undefined ? this.api.url.replace(/\/$/, "") : `https://${props.domain.name}`;
    // The service stack has an output for it, with a name that can be told.
    this.api.node.tryRemoveChild("Endpoint");
    this.#acknowledge(props);
  }

  #stage({ settings, accessLogs }: HttpFaceProps): StageOptions {
    return {
      stageName: STAGE,
      throttlingRateLimit: settings.throttle.ratePerSecond,
      throttlingBurstLimit: settings.throttle.burst,
      ...(accessLogs === undefined
        ? {}
        : {
            accessLogDestination: new LogGroupLogDestination(accessLogs.logGroup),
            accessLogFormat: AccessLogFormat.jsonWithStandardFields(),
          }),
    };
  }

  #useDomain({ name, certificateArn, hostedZone }: Domain): void {
    const domainName = new DomainName(this, "Domain", {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, "Certificate", certificateArn),
      endpointType: EndpointType.REGIONAL,
      securityPolicy: SecurityPolicy.TLS_1_2,
      mapping: this.api as IRestApi,
    });
    if (hostedZone === undefined) {
      new CfnOutput(this, "DomainTarget", {
        value: domainName.domainNameAliasDomainName,
        description: `What the DNS record of ${name} must point to`,
      });
      return;
    }
    const { id: hostedZoneId, name: zoneName } = hostedZone;
    new ARecord(this, "Alias", {
      zone: HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId, zoneName }),
      recordName: name,
      target: RecordTarget.fromAlias(new ApiGatewayDomain(domainName)),
    });
  }

  #acknowledge({ authorization, accessLogs }: HttpFaceProps): void {
    acknowledge(this.api, {
      "AwsSolutions-APIG2":
        "Requests are checked against the schemas of shared/http, which answer with Kafka's error and a hint.",
      "AwsSolutions-APIG3": "A web ACL bills while nothing flows; docs/aws.md says how to put one before a face.",
      "AwsSolutions-APIG6":
        "Execution logs repeat what the functions log, at a price per request, and need the account's role for API Gateway.",
      "AwsSolutions-COG4": "Callers are programs; they show an API key, sign with IAM or bring an OIDC token.",
      ...(accessLogs === undefined
        ? {
            "AwsSolutions-APIG1":
              "Off unless the setting accessLogs is on: they need a role that all APIs of the account share.",
          }
        : {}),
      ...(authorization.kind === "api-key"
        ? {
            "AwsSolutions-APIG4":
              "Every method needs an API key of the usage plan; the faces iam and oidc have authorizers.",
          }
        : {}),
    });
  }
}

/** As API Gateway's metrics name the API. */
export function apiName(settings: Settings, face: Face): string {
  return `${settings.name}-${face === "apiKey" ? "api-key" : face}`;
}

function integration(handler: IFunction): LambdaIntegration {
  return new LambdaIntegration(handler, { proxy: true, allowTestInvoke: false, timeout: Duration.seconds(29) });
}

function methodOptions(authorization: HttpFaceProps["authorization"]): MethodOptions {
  switch (authorization.kind) {
    case "api-key":
      return { authorizationType: AuthorizationType.NONE, apiKeyRequired: true };
    case "iam":
      return { authorizationType: AuthorizationType.IAM };
    case "authorizer":
      return { authorizer: authorization.authorizer };
  }
}
