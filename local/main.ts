import { HELP, parseOptions } from "./options.ts";
import { startRegions } from "./regions.ts";
import { type Service, startService } from "./service.ts";
import { StartupError } from "./startup-error.ts";

const PARENT_POLL_MS = 500;
/** Ctrl-C reaches the service twice under npm: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 500;
/** Read first of all: npm may be killed while the service starts. */
const parent = process.ppid;

const say = (line: string) => process.stderr.write(`${line}\n`);

function fail(line: string, code: number): never {
  say(`millrace: ${line}`);
  process.exit(code);
}

/** Ends the process on signals, when its store is gone, and when npm, which started it, was killed. */
function stopWhenTold(service: Service): void {
  let stoppingSince: number | undefined;
  const stop = async () => {
    if (stoppingSince !== undefined) {
      if (performance.now() - stoppingSince > SAME_SIGNAL_MS) process.exit(130);
      return;
    }
    stoppingSince = performance.now();
    await service.stop();
    process.exit(0);
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  void service.failed.then(() => fail("the embedded DynamoDB ended unexpectedly; start again", 1));
  if (process.env["npm_lifecycle_event"] === undefined) return;
  setInterval(() => {
    if (process.ppid !== parent && stoppingSince === undefined) void stop();
  }, PARENT_POLL_MS).unref();
}

const options = parseOptions(process.argv.slice(2));
if (options === "help") {
  process.stdout.write(HELP);
} else if ("problem" in options) {
  fail(`${options.problem} (see --help)`, 2);
} else {
  try {
    const { data, regions } = options;
    const isRegional = data !== undefined && regions !== undefined;
    const service = await (isRegional ? startRegions({ ...options, data, regions }, say) : startService(options, say));
    stopWhenTold(service);
    for (const { name, url } of service.regions ?? []) process.stdout.write(`${name}: ${url}\n`);
    process.stdout.write(`Millrace is ready: ${service.url}\n`);
  } catch (error) {
    if (error instanceof StartupError) fail(error.message, 1);
    throw error;
  }
}
