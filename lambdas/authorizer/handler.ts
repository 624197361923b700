import type { APIGatewayAuthorizerResult, APIGatewayTokenAuthorizerEvent } from "aws-lambda";
import { bearerToken } from "../../shared/oidc/bearer-token.ts";
import { tokenVerifier, type Verdict } from "../../shared/oidc/verify-token.ts";
import { systemClock } from "../../shared/runtime/clock.ts";
import type { InvocationContext } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { allowPolicy, denyPolicy } from "./access-policy.ts";
import { readEnvironment, type TrustedIdentity } from "./environment.ts";

/** What of a claim gets into a log line. */
const MAX_LOGGED_LENGTH = 200;

let verify: ((token: string) => Promise<Verdict<TrustedIdentity>>) | undefined;

/**
 * Says whether the token of an Authorization header may call: the authorizer of the REST API for workload identities. Of type
 * TOKEN, not REQUEST: the identity source is that one header either way, it is the key by which API Gateway keeps the answer,
 * and only TOKEN checks it against an expression first (BEARER_EXPRESSION), so that what is no JWT costs no invocation.
 * https://docs.aws.amazon.com/apigateway/latest/api/API_Authorizer.html
 *
 * Errors: "Unauthorized", to the letter, is 401 with API Gateway. Any other is a failure of ours (AUTHORIZER_FAILURE): the
 * token may be good, and the request may be repeated.
 */
export async function handler(
  { authorizationToken, methodArn }: APIGatewayTokenAuthorizerEvent,
  context?: InvocationContext,
): Promise<APIGatewayAuthorizerResult> {
  const policy = await observed({ context }, async (logger) => {
    verify ??= tokenVerifier(readEnvironment(process.env).trustedIdentities, systemClock);
    const token = bearerToken(authorizationToken);
    const verdict = token === undefined ? NO_TOKEN : await verify(token);
    if (verdict.kind === "trusted") {
      const allowed = verdict.identities.map(({ allow = "all" }) => allow);
      return allowPolicy(verdict, methodArn, allowed);
    }
    const { kind, issuer, subject, reason } = verdict;
    logger.warn(`a token is ${kind}`, { reason, issuer: logged(issuer), subject: logged(subject) });
    return verdict.kind === "untrusted" ? denyPolicy(verdict, methodArn) : undefined;
  });
  // Out here, because it is no failure: `observed` logs what is thrown as one.
  if (policy === undefined) throw new Error("Unauthorized");
  return policy;
}

const NO_TOKEN = { kind: "invalid", issuer: undefined, subject: undefined, reason: "no bearer token" } as const;

function logged(claim: unknown): string | undefined {
  return typeof claim === "string" ? claim.slice(0, MAX_LOGGED_LENGTH) : undefined;
}
