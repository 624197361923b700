import { parseArgs } from "node:util";

export interface Options {
  readonly host: string;
  readonly port: number;
  /** Where everything is kept; undefined: in memory, gone with the process. */
  readonly data: string | undefined;
  /** Regions of the deployment in order; undefined: one, without more. */
  readonly regions?: readonly string[];
}

const MAX_REGIONS = 5;
const MAX_PORT = 65_535;

export const HELP = `Millrace, locally: the whole service on one machine, on embedded stores.

  npm start -- [options]

  --port N      port to listen on (8082; 0: any free one)
  --host HOST   address to listen on (127.0.0.1)
  --data DIR    folder that everything is kept in (.millrace)
  --memory      keep everything in memory instead
  --regions A,B one broker for each of these AWS regions (1 to ${MAX_REGIONS}), on consecutive ports from --port on;
                POST /local/regions/A/stop, start, isolate and slow?ms=N there make one fail
  --help        this text

Environment:
  AWS_ENDPOINT_URL            use DynamoDB and S3 there (LocalStack, say) instead of the embedded stores
  AWS_ENDPOINT_URL_DYNAMODB   use DynamoDB there, and keep segments in the data folder
`;

/** Answers the options, or what is wrong with them, or that help is wanted. */
export function parseOptions(args: readonly string[]): Options | { readonly problem: string } | "help" {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        port: { type: "string", default: "8082" },
        host: { type: "string", default: "127.0.0.1" },
        data: { type: "string" },
        memory: { type: "boolean", default: false },
        regions: { type: "string" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const port = Number(values.port);
    if (!/^\d{1,5}$/.test(values.port) || port > MAX_PORT)
      return { problem: `--port ${values.port} is not a port: 0 to 65535` };
    if (values.memory && values.data !== undefined) return { problem: "--memory and --data exclude each other" };
    if (values.host === "") return { problem: "--host needs an address" };
    if (values.data === "") return { problem: "--data needs a folder" };
    const options = { host: values.host, port, data: values.memory ? undefined : (values.data ?? ".millrace") };
    return values.regions === undefined ? options : withRegions(options, values.regions);
  } catch (error) {
    return { problem: (error as Error).message.split("\n")[0]! };
  }
}

function withRegions(options: Options, value: string): Options | { readonly problem: string } {
  const regions = value.split(",").map((region) => region.trim());
  const wrong = regions.find((region) => !/^[a-z]{2}(-[a-z]{2,})+-\d{1,2}$/.test(region));
  if (wrong !== undefined) return { problem: `--regions: ${JSON.stringify(wrong)} is no region such as us-east-1` };
  if (new Set(regions).size < regions.length) return { problem: "--regions names a region twice" };
  if (regions.length > MAX_REGIONS) return { problem: `--regions takes at most ${MAX_REGIONS}` };
  // A region whose store is killed must find its data again.
  if (options.data === undefined) return { problem: "--regions and --memory exclude each other" };
  if (options.port > 0 && options.port + regions.length - 1 > MAX_PORT) {
    return { problem: `--port ${options.port} leaves no ports for ${regions.length} regions` };
  }
  return { ...options, regions };
}
