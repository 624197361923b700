import { decodeJwt, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import type { Clock } from "../runtime/clock.ts";
import { issuerKeys } from "./issuer-keys.ts";
import { hasAudience, hasSubject, type TrustedIdentity } from "./trusted-identity.ts";

/** Signatures by a key pair. Not HS*: a public key would be taken for a secret; not none. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
];

/** How far an issuer's clock may be from ours. */
export const CLOCK_TOLERANCE_SECONDS = 60;

/** OpenID Connect has 255 characters; GitHub's subjects carry names of branches. */
const MAX_SUBJECT_LENGTH = 512;

/** What is to be thought of a token. Of an `invalid` one, issuer and subject are what it claims: anybody may have made it. */
export type Verdict<T extends TrustedIdentity> =
  | { readonly kind: "trusted"; readonly issuer: string; readonly subject: string; readonly identities: readonly T[] }
  | { readonly kind: "untrusted"; readonly issuer: string; readonly subject: string; readonly reason: string }
  | { readonly kind: "invalid"; readonly issuer?: unknown; readonly subject?: unknown; readonly reason: string };

interface Issuer<T> {
  readonly identities: T[];
  readonly keys: JWTVerifyGetKey;
}

/**
 * Judges tokens: JWTs in JWS compact serialization. All identities that fit a token are named. Errors:
 * IssuerUnavailableError when the keys of a trusted issuer cannot be had.
 */
export function tokenVerifier<T extends TrustedIdentity>(
  identities: readonly T[],
  clock: Clock,
): (token: string) => Promise<Verdict<T>> {
  const issuers = new Map<string, Issuer<T>>();
  for (const identity of identities) {
    const known = issuers.get(identity.issuer);
    if (known === undefined)
      issuers.set(identity.issuer, { identities: [identity], keys: issuerKeys(identity, clock) });
    else known.identities.push(identity);
  }
  return async (token) => {
    const claims = claimsOf(token);
    if (claims === undefined) return { kind: "invalid", reason: "not a JWT" };
    const { iss, sub } = claims;
    const issuer = typeof iss === "string" ? issuers.get(iss) : undefined;
    if (issuer === undefined) return { kind: "invalid", issuer: iss, subject: sub, reason: "not a trusted issuer" };
    try {
      return judge(await verified(token, iss as string, issuer, clock), issuer.identities);
    } catch (error) {
      if (!(error instanceof errors.JOSEError)) throw error;
      return { kind: "invalid", issuer: iss, subject: sub, reason: reasonOf(error) };
    }
  };
}

/** What a token says, before anything is known of its truth: who to ask for its key. */
function claimsOf(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    return undefined;
  }
}

async function verified<T extends TrustedIdentity>(token: string, iss: string, issuer: Issuer<T>, clock: Clock) {
  const { payload } = await jwtVerify(token, issuer.keys, {
    algorithms: ALGORITHMS,
    issuer: iss,
    audience: issuer.identities.flatMap(({ audiences }) => audiences),
    requiredClaims: ["exp"],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    currentDate: new Date(clock.now()),
  });
  return payload;
}

function judge<T extends TrustedIdentity>({ iss, sub, aud }: JWTPayload, identities: readonly T[]): Verdict<T> {
  if (typeof sub !== "string" || sub.length > MAX_SUBJECT_LENGTH) {
    return { kind: "invalid", issuer: iss, subject: sub, reason: "sub is not a subject" };
  }
  const whose = { issuer: iss as string, subject: sub };
  const fitting = identities.filter((identity) => hasAudience(identity, aud) && hasSubject(identity, sub));
  if (fitting.length === 0) return { kind: "untrusted", ...whose, reason: "not a trusted subject" };
  return { kind: "trusted", ...whose, identities: fitting };
}

/** jose's code and the claim it is about: its messages are not ours to keep, and no claim's value gets into a log. */
function reasonOf(error: errors.JOSEError): string {
  const claim =
    error instanceof errors.JWTClaimValidationFailed || error instanceof errors.JWTExpired ? ` ${error.claim}` : "";
  return `${error.code}${claim}`;
}
