import { parseArgs } from "node:util";

export interface Options {
  readonly host: string;
  readonly port: number;
  /** Where everything is kept; undefined: in memory, gone with the process. */
  readonly data: string | undefined;
}

export const HELP = `Millrace, locally: the whole service on one port, on embedded stores.

  npm start -- [options]

  --port N      port to listen on (8082; 0: any free one)
  --host HOST   address to listen on (127.0.0.1)
  --data DIR    folder that everything is kept in (.millrace)
  --memory      keep everything in memory instead
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
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) return "help";
    const port = Number(values.port);
    if (!/^\d{1,5}$/.test(values.port) || port > 65_535)
      return { problem: `--port ${values.port} is not a port: 0 to 65535` };
    if (values.memory && values.data !== undefined) return { problem: "--memory and --data exclude each other" };
    if (values.host === "") return { problem: "--host needs an address" };
    if (values.data === "") return { problem: "--data needs a folder" };
    return { host: values.host, port, data: values.memory ? undefined : (values.data ?? ".millrace") };
  } catch (error) {
    return { problem: (error as Error).message.split("\n")[0]! };
  }
}
