/**
 * The environment of the authorizer function: set by whoever deploys it, read by the function. Nothing of the runtime is
 * imported here: infra reads this too, and checks its settings with it.
 */
export const ENVIRONMENT = {
  /** JSON: a list of TrustedIdentity. Lambda allows 4 KB of environment in all, names included. */
  trustedIdentities: "MILLRACE_TRUSTED_IDENTITIES",
} as const;

/**
 * What the Authorization header must look like for the function to be invoked at all: three base64url parts, none empty.
 * API Gateway answers 401 by itself to the rest (identityValidationExpression of a TOKEN authorizer).
 */
export const BEARER_EXPRESSION = "^[Bb][Ee][Aa][Rr][Ee][Rr] +[\\w-]+\\.[\\w-]+\\.[\\w-]+$";

/** Workloads that may call with a token of their issuer. https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
export interface TrustedIdentity {
  /** As the tokens' `iss` has it, to the letter. */
  readonly issuer: string;
  /** One of them must be in the tokens' `aud`. */
  readonly audiences: readonly string[];
  /** The tokens' `sub`: one of these, or one that begins with what stands before a `*` at the end. */
  readonly subjects: readonly string[];
  /** Where the issuer's keys are; OpenID Connect Discovery tells unless set. */
  readonly jwksUri?: string | undefined;
  /** GET, HEAD and OPTIONS only, the writing methods only, or all (unless set). */
  readonly allow?: Allow | undefined;
}

export type Allow = "read" | "write" | "all";

export interface AuthorizerEnvironment {
  readonly trustedIdentities: readonly TrustedIdentity[];
}

/** What is wrong with a list of trusted identities, and where. */
export interface Fault {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Errors: an Error that names the variable that is missing or wrong, and what is wrong with it. */
export function readEnvironment(variables: Variables): AuthorizerEnvironment {
  const name = ENVIRONMENT.trustedIdentities;
  const text = variables[name];
  if (text === undefined || text === "") throw new Error(`environment variable ${name} is not set`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error(`${name} must be JSON: [{"issuer":"https://…","audiences":["…"],"subjects":["…"]}]`);
  }
  const faults = identityFaults(value).map(({ path, message }) => `${path.join(".")} ${message}`.trim());
  if (faults.length > 0) throw new Error(`${name}: ${faults.join("; ")}`);
  return { trustedIdentities: value as TrustedIdentity[] };
}

const FIELDS = ["issuer", "audiences", "subjects", "jwksUri", "allow"];

/** Everything that is wrong with what should be a list of trusted identities; empty when nothing is. */
export function identityFaults(value: unknown): Fault[] {
  if (!Array.isArray(value) || value.length === 0)
    return [{ path: [], message: "must be a list of at least one identity" }];
  const faults = value.flatMap((identity: unknown, index) => faultsOf(identity).map(under(index)));
  if (faults.length > 0) return faults;
  // One issuer has one set of keys: which of two would be used must not hang on their order.
  const jwksUris = new Map<string, string | undefined>();
  return (value as TrustedIdentity[]).flatMap(({ issuer, jwksUri }, index) => {
    if (!jwksUris.has(issuer)) jwksUris.set(issuer, jwksUri);
    if (jwksUris.get(issuer) === jwksUri) return [];
    return [{ path: [index, "jwksUri"], message: `differs from that of another identity of ${issuer}` }];
  });
}

function faultsOf(value: unknown): Fault[] {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [{ path: [], message: "must be an object" }];
  const { issuer, audiences, subjects, jwksUri, allow } = value as Record<string, unknown>;
  return [
    ...Object.keys(value)
      .filter((field) => !FIELDS.includes(field))
      .map((field) => ({ path: [field], message: `is unknown; known are ${FIELDS.join(", ")}` })),
    ...problems(["issuer"], issuerProblem(issuer)),
    ...listFaults("audiences", audiences, audienceProblem),
    ...listFaults("subjects", subjects, subjectProblem),
    ...(jwksUri === undefined ? [] : problems(["jwksUri"], urlProblem(jwksUri, "of the issuer's keys"))),
    ...(allow === undefined || allow === "read" || allow === "write" || allow === "all"
      ? []
      : problems(["allow"], "must be read, write or all")),
  ];
}

function listFaults(field: string, value: unknown, problemOf: (text: string) => string | undefined): Fault[] {
  if (!Array.isArray(value) || value.length === 0) return problems([field], "must be a list of at least one");
  return value.flatMap((text: unknown, index) =>
    problems(
      [field, index],
      isPlain(text) ? problemOf(text) : "must be text of 1 to 512 characters, no spaces at its ends",
    ),
  );
}

function audienceProblem(audience: string): string | undefined {
  return audience.endsWith("*") ? "must be a whole audience: only subjects may end in *" : undefined;
}

/**
 * A pattern must name its owner and end where a name ends: `repo:octo*` would trust octo-evil, which anybody may register,
 * and `repo:*` every repository there is.
 */
function subjectProblem(subject: string): string | undefined {
  if (!subject.includes("*")) return undefined;
  if (/^[^*:/]+[:/]([^*]*[^*:/])[:/]\*$/.test(subject)) return undefined;
  return "may have * at its end only, after at least two parts that end in : or / (repo:octo-org/octo-repo:*)";
}

function issuerProblem(issuer: unknown): string | undefined {
  const problem = urlProblem(issuer, "such as https://accounts.google.com");
  return problem === undefined && (issuer as string).includes("?") ? "must not have a query" : problem;
}

function urlProblem(value: unknown, hint: string): string | undefined {
  const url = isPlain(value) && URL.canParse(value) ? new URL(value) : undefined;
  // http is for tests, whose issuer is on this machine.
  const isLoopback = url !== undefined && ["localhost", "127.0.0.1", "[::1]"].includes(url.hostname);
  if (url?.protocol !== "https:" && !(url?.protocol === "http:" && isLoopback)) return `must be an https URL ${hint}`;
  if (url.username !== "" || url.password !== "") return "must not have a user name or password";
  return (value as string).includes("#") ? "must not have a fragment" : undefined;
}

function isPlain(value: unknown): value is string {
  return (
    typeof value === "string" &&
    value.length >= 1 &&
    value.length <= 512 &&
    value.trim() === value &&
    !/\p{Cc}/u.test(value)
  );
}

function problems(path: Fault["path"], message: string | undefined): Fault[] {
  return message === undefined ? [] : [{ path, message }];
}

function under(index: number): (fault: Fault) => Fault {
  return ({ path, message }) => ({ path: [index, ...path], message });
}
