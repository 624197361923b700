import { CfnOutput, Stack } from "aws-cdk-lib";
import {
  AccessLogFormat,
  AuthorizationType,
  DomainName,
  EndpointType,
  type IAuthorizer,
  type IRestApi,
  LogGroupLogDestination,
  type MethodOptions,
  RestApi,
  SecurityPolicy,
  type StageOptions,
} from "aws-cdk-lib/aws-apigateway";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { ARecord, HostedZone, type IRecordSet, RecordTarget } from "aws-cdk-lib/aws-route53";
import { ApiGatewayDomain } from "aws-cdk-lib/aws-route53-targets";
import { Construct } from "constructs";
import { acknowledge } from "../acknowledgements.ts";
import { hostIn, inRegion, isReplicated } from "../regional.ts";
import type { Domain, Face, Settings } from "../settings.ts";
import type { AccessLogs } from "./access-logs.ts";
import { addGatewayResponses } from "./gateway-responses.ts";
import { addRoutes, type RoutedFunctions } from "./gateway-routes.ts";

/** The stage's name; it is in every URL of API Gateway's own host. */
export const STAGE = "prod";

export interface HttpFaceProps {
  readonly name: Face;
  readonly settings: Settings;
  readonly functions: RoutedFunctions;
  /** How a caller shows who it is. */
  readonly authorization:
    | { readonly kind: "api-key" }
    | { readonly kind: "iam" }
    | { readonly kind: "authorizer"; readonly authorizer: IAuthorizer };
  readonly domain: Domain | undefined;
  readonly accessLogs: AccessLogs | undefined;
}

/** One way in: a REST API whose every request goes to one of three functions, which know the routes. */
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
    addRoutes(this.api, functions, methodOptions(props.authorization));
    addGatewayResponses(this.api);
    if (props.domain !== undefined) this.#useDomain(props.domain, settings);
    const { region } = Stack.of(this);
    this.url =
      props.domain === undefined ? this.api.url.replace(/\/$/, "") : `https://${hostIn(props.domain.name, region)}`;
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

  #useDomain({ name: pattern, certificateArn, hostedZone }: Domain, settings: Settings): void {
    const { region } = Stack.of(this);
    const name = hostIn(pattern, region);
    const domainName = new DomainName(this, "Domain", {
      domainName: name,
      certificate: Certificate.fromCertificateArn(this, "Certificate", inRegion(certificateArn, region)),
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
    const isShared = isReplicated(settings) && name === pattern;
    const target = new ApiGatewayDomain(domainName);
    const alias = { bind: (record: IRecordSet) => ({ ...target.bind(record), evaluateTargetHealth: true }) };
    new ARecord(this, "Alias", {
      zone: HostedZone.fromHostedZoneAttributes(this, "Zone", { hostedZoneId, zoneName }),
      recordName: name,
      target: RecordTarget.fromAlias(isShared ? alias : target),
      // One name for several regions leads to the nearest whose API Gateway is well.
      ...(isShared ? { region, setIdentifier: region } : {}),
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
