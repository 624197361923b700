import { vi } from "vitest";
import type { TrustedIdentity } from "../../../lambdas/authorizer/environment.ts";

type Handler = typeof import("../../../lambdas/authorizer/handler.ts")["handler"];
type Result = Awaited<ReturnType<Handler>>;

export const METHOD_ARN =
  "arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/v1/POST/v3/clusters/c/topics/t/records";

export interface Authorizer {
  /** What it says to an Authorization header. */
  ask(header: string | undefined, methodArn?: string): Promise<Result>;
  /** What API Gateway makes of that: 200, 401, 403 or 500. */
  status(header: string | undefined): Promise<number>;
  /** Everything that was logged since it was made. */
  log(): string;
}

/** The function in a new process, as far as it can tell: nothing is cached. Its log is caught until the test restores mocks. */
export async function newAuthorizer(identities: readonly TrustedIdentity[]): Promise<Authorizer> {
  vi.resetModules();
  vi.stubEnv("MILLRACE_TRUSTED_IDENTITIES", JSON.stringify(identities));
  const lines: string[] = [];
  const keep = (text: unknown) => lines.push(String(text)) > 0;
  vi.spyOn(process.stderr, "write").mockImplementation(keep);
  vi.spyOn(process.stdout, "write").mockImplementation(keep);
  for (const level of ["log", "debug", "info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((...parts) => void lines.push(`${parts.map(String).join(" ")}\n`));
  }
  const { handler } = await import("../../../lambdas/authorizer/handler.ts");
  const ask = (header: string | undefined, methodArn = METHOD_ARN) =>
    handler({ type: "TOKEN", authorizationToken: header as string, methodArn }, { awsRequestId: "r-1" });
  return {
    ask,
    log: () => lines.join(""),
    status: (header) =>
      ask(header).then(
        ({ policyDocument }) => (policyDocument.Statement.every(({ Effect }) => Effect === "Allow") ? 200 : 403),
        // API Gateway goes by these words and no others.
        (error) => (error instanceof Error && error.message === "Unauthorized" ? 401 : 500),
      ),
  };
}
