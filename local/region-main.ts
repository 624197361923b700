import { serve } from "./serve.ts";
import { StartupError } from "./startup-error.ts";

/** One region of several: started by region.ts, which says in the environment where the stores are, and ends it. */
const say = (line: string) => process.stderr.write(`${line}\n`);

try {
  const serving = await serve("127.0.0.1", 0, true, say);
  process.once("SIGTERM", async () => {
    await serving.stop();
    process.exit(0);
  });
  process.stdout.write(`serving on ${new URL(serving.url).port}\n`);
} catch (error) {
  say(error instanceof StartupError ? error.message : String((error as Error).stack));
  process.exit(1);
}
