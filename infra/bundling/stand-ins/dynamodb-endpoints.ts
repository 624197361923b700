/**
 * For DynamoDB's rules of endpoints, and the engine that they need: accounts' own endpoints, dual stack, FIPS, all partitions.
 * A function on Lambda reaches its region's, or another's of the deployment, or an emulator.
 *
 * Errors: an Error for anything else, rather than a request to a wrong place.
 */
export function defaultEndpointResolver(given: Readonly<Record<string, unknown>>): Endpoint {
  const { Region: region, Endpoint: endpoint } = given;
  const asked = ["UseFIPS", "UseDualStack"].find((name) => given[name] === true);
  if (asked !== undefined) throw new Error(`${asked} is not in this bundle`);
  if (typeof endpoint === "string") return { url: new URL(endpoint), properties: {}, headers: {} };
  if (typeof region !== "string" || !REGION.test(region))
    throw new Error(`no endpoint of DynamoDB in region ${region}`);
  return { url: new URL(`https://dynamodb.${region}.amazonaws.com`), properties: {}, headers: {} };
}

interface Endpoint {
  readonly url: URL;
  readonly properties: Readonly<Record<string, never>>;
  readonly headers: Readonly<Record<string, never>>;
}

/** Of the partitions that Millrace goes into (infra/settings.ts), whose hosts end alike. */
const REGION = /^(?!cn-|us-iso|eu-isoe)[a-z]{2}(-[a-z]+)+-\d$/;
