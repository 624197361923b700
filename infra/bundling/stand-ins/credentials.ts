/**
 * For the SDK's chain of credential providers: profiles, SSO, processes, web identity, instance metadata, and the clients
 * of STS and SSO behind them. On Lambda credentials are in the environment and nowhere else, and stay valid as long as the
 * execution environment lives:
 * https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html#configuration-envvars-runtime
 */
export const defaultProvider = () => fromEnvironment;

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** Errors: CredentialsProviderError, as of the chain: storage-error.ts knows by it that nothing was sent. */
async function fromEnvironment(): Promise<Credentials> {
  const variables = process.env;
  const accessKeyId = variables["AWS_ACCESS_KEY_ID"];
  const secretAccessKey = variables["AWS_SECRET_ACCESS_KEY"];
  const sessionToken = variables["AWS_SESSION_TOKEN"];
  if (accessKeyId && secretAccessKey) {
    return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
  }
  const message =
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set: this is a bundle for Lambda, which sets them";
  throw Object.assign(new Error(message), { name: "CredentialsProviderError" });
}
