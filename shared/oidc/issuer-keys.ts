import { createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from "jose";
import type { Clock } from "../runtime/clock.ts";
import { fetchDocument } from "./fetch-document.ts";
import type { TrustedIdentity } from "./trusted-identity.ts";

/** Discovery and keys together. */
export const FETCH_TIMEOUT_MS = 4_000;
/** Keys are used for so long before they are fetched again: a key that its issuer withdraws is trusted no longer. */
export const KEYS_MAX_AGE_MS = 600_000;
/** Key ids that are not among the keys make one fetch in so long: whoever makes them up cannot make us a flood. */
export const UNKNOWN_KEY_COOLDOWN_MS = 30_000;
/** An issuer that failed is left alone for so long, and requests that need it fail at once. */
export const FAILURE_COOLDOWN_MS = 1_000;

/** An issuer's keys cannot be had: not the token's fault, and it may be sent again. */
export class IssuerUnavailableError extends Error {
  constructor(issuer: string, cause: unknown) {
    super(`the keys of ${issuer} cannot be had: ${reasonOf(cause)}`, { cause });
    this.name = "IssuerUnavailableError";
  }
}

/**
 * The keys of an issuer: fetched at the first token, kept in the process. Errors: `JWKSNoMatchingKey` for a token whose key is
 * not among them, `IssuerUnavailableError` when they cannot be had.
 */
export function issuerKeys(identity: Pick<TrustedIdentity, "issuer" | "jwksUri">, clock: Clock): JWTVerifyGetKey {
  const { issuer, jwksUri } = identity;
  let failed: { readonly at: number; readonly error: IssuerUnavailableError } | undefined;
  const fetchKeys = async (_url: string, { signal }: { signal: AbortSignal }): Promise<Response> => {
    if (failed !== undefined) {
      const sinceMs = clock.now() - failed.at;
      // Below zero the clock was set back: who knows how long ago it was.
      if (sinceMs >= 0 && sinceMs < FAILURE_COOLDOWN_MS) throw failed.error;
    }
    return new Response(await fetchDocument(jwksUri ?? (await discoverJwksUri(issuer, signal)), signal));
  };
  // jose joins what asks at once into one fetch. Discovery is part of it, so that a set of keys that moves is found.
  const remote = createRemoteJWKSet(new URL(jwksUri ?? discoveryUrl(issuer)), {
    timeoutDuration: FETCH_TIMEOUT_MS,
    cooldownDuration: UNKNOWN_KEY_COOLDOWN_MS,
    cacheMaxAge: KEYS_MAX_AGE_MS,
    [customFetch]: fetchKeys,
  });
  return async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      if (error instanceof IssuerUnavailableError) throw error;
      failed = { at: clock.now(), error: new IssuerUnavailableError(issuer, error) };
      throw failed.error;
    }
  };
}

/** https://openid.net/specs/openid-connect-discovery-1_0.html#ProviderConfigurationRequest: a `/` at the end goes first. */
function discoveryUrl(issuer: string): string {
  return `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
}

async function discoverJwksUri(issuer: string, signal: AbortSignal): Promise<string> {
  const url = discoveryUrl(issuer);
  const found = JSON.parse(await fetchDocument(url, signal)) as { issuer?: unknown; jwks_uri?: unknown } | null;
  if (found?.issuer !== issuer) throw new Error(`${url} is of another issuer`);
  const uri = typeof found.jwks_uri === "string" && URL.canParse(found.jwks_uri) ? new URL(found.jwks_uri) : undefined;
  // No issuer out there sends us to plain http, or to what listens on this machine.
  if (uri?.protocol !== "https:" && uri?.origin !== new URL(issuer).origin)
    throw new Error(`${url} has no https jwks_uri`);
  return uri.href;
}

function reasonOf(cause: unknown): string {
  if (cause instanceof errors.JWKSTimeout) return `no answer within ${FETCH_TIMEOUT_MS} ms`;
  if (!(cause instanceof Error)) return "unknown";
  // fetch says "fetch failed" and keeps what it was to itself.
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}
