import type { APIGatewayAuthorizerResult } from "aws-lambda";
import type { Allow } from "./environment.ts";

/** Methods and paths, as they stand in an ARN behind the stage. */
const METHODS: Readonly<Record<Allow, readonly string[]>> = {
  read: ["GET/*", "HEAD/*", "OPTIONS/*"],
  write: ["POST/*", "PUT/*", "PATCH/*", "DELETE/*"],
  all: ["*"],
};

interface Caller {
  readonly issuer: string;
  readonly subject: string;
}

/** Lets the caller use these methods, on every path of the stage that the request came to. */
export function allowPolicy(caller: Caller, methodArn: string, allowed: readonly Allow[]): APIGatewayAuthorizerResult {
  return policy(caller, "Allow", methodArn, [...new Set(allowed.flatMap((allow) => METHODS[allow]))]);
}

/** Keeps the caller out: 403, where "Unauthorized" would be 401. */
export function denyPolicy(caller: Caller, methodArn: string): APIGatewayAuthorizerResult {
  return policy(caller, "Deny", methodArn, METHODS.all);
}

/**
 * API Gateway keeps the policy for the token and asks it about the token's next requests too, whatever their path: so it
 * is about all of them. https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 */
function policy(
  { issuer, subject }: Caller,
  Effect: "Allow" | "Deny",
  methodArn: string,
  methods: readonly string[],
): APIGatewayAuthorizerResult {
  const stage = /^arn:[^:/]+:execute-api:[^:/]+:[^:/]+:[^:/]+\/[^:/]+(?=\/)/.exec(methodArn)?.[0];
  if (stage === undefined) throw new Error("methodArn is not the ARN of a method of a REST API");
  const Resource = methods.map((method) => `${stage}/${method}`);
  return {
    principalId: plain(subject).slice(0, 128),
    policyDocument: { Version: "2012-10-17", Statement: [{ Action: "execute-api:Invoke", Effect, Resource }] },
    context: { issuer: plain(issuer), subject: plain(subject) },
  };
}

/** Access logs and mapping templates put these into JSON without escaping them, and a branch may have a quote in its name. */
function plain(text: string): string {
  return text.replace(/[^\w.:/@|=+,~-]/g, "_");
}
