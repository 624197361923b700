import { StartupError } from "./startup-error.ts";

/**
 * Says in the environment which AWS the SDK shall talk to. The SDK reads the same variables on Lambda, so that handlers need
 * know nothing of it: https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html
 */
type Environment = Record<string, string | undefined>;

/** What the user asked for in place of the embedded stores. */
export interface GivenEndpoints {
  readonly dynamoDb: string | undefined;
  /** undefined: segments are kept on this machine. */
  readonly s3: string | undefined;
}

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);
const DEFAULT_REGION = "us-east-1";

/** Errors: StartupError for what is no http or https URL. An empty variable counts as none. */
export function givenEndpoints(environment: Environment): GivenEndpoints {
  const given = (name: string) => {
    const value = environment[name];
    if (value === undefined || value === "") return undefined;
    if (!/^https?:$/.test(URL.parse(value)?.protocol ?? "")) {
      throw new StartupError(`${name} is not a URL such as http://127.0.0.1:4566`);
    }
    return value;
  };
  const everything = given("AWS_ENDPOINT_URL");
  return {
    dynamoDb: given("AWS_ENDPOINT_URL_DYNAMODB") ?? everything,
    s3: everything === undefined ? undefined : (given("AWS_ENDPOINT_URL_S3") ?? everything),
  };
}

/** For the store that the service started itself: nothing of the user's own settings reaches it or leads away from it. */
export function useEmbedded(environment: Environment, endpoint: string): void {
  useEndpoint(environment, endpoint);
  useDummyCredentials(environment);
  for (const name of ["AWS_PROFILE", "AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"]) delete environment[name];
}

/** For a store that the user runs: their region and credentials, and on their own machine any will do where none are set. */
export function useGiven(environment: Environment, endpoint: string): void {
  useEndpoint(environment, endpoint);
  const hasCredentials = environment["AWS_ACCESS_KEY_ID"] || environment["AWS_PROFILE"];
  if (!hasCredentials && LOOPBACK.has(new URL(endpoint).hostname)) useDummyCredentials(environment);
}

function useEndpoint(environment: Environment, endpoint: string): void {
  environment["AWS_ENDPOINT_URL_DYNAMODB"] = endpoint;
  environment["AWS_REGION"] ||= environment["AWS_DEFAULT_REGION"] || DEFAULT_REGION;
  // It would send the requests to AWS all the same.
  delete environment["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"];
}

function useDummyCredentials(environment: Environment): void {
  environment["AWS_ACCESS_KEY_ID"] = "millrace";
  environment["AWS_SECRET_ACCESS_KEY"] = "millrace";
  delete environment["AWS_SESSION_TOKEN"];
}
