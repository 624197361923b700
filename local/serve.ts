import { setTimeout as sleep } from "node:timers/promises";
import type { APIGatewayProxyResult } from "aws-lambda";
import { handler as coordinate } from "../lambdas/coordinator/handler.ts";
import { handler as fetch } from "../lambdas/fetch/handler.ts";
import { processBroker } from "../lambdas/process-broker.ts";
import { handler as produce } from "../lambdas/produce/handler.ts";
import { startBackgroundWork } from "./background-work.ts";
import { type Handler, startHttpServer } from "./http-server.ts";

/** What goes on behind answered requests gets so long to end when the service stops. */
const SETTLE_WITHIN_MS = 10_000;

export interface Serving {
  readonly url: string;
  /** Lets requests at work end, and what goes on behind answered ones. */
  stop(): Promise<void>;
}

/**
 * Serves the Lambda handlers of this process over HTTP, with what runs on schedules on AWS. The environment says where the
 * stores are. `sweeps`: an embedded store needs somebody to do what DynamoDB's TTL does. Errors: StartupError.
 */
export async function serve(
  host: string,
  port: number,
  sweeps: boolean,
  say: (line: string) => void,
): Promise<Serving> {
  const coordinator: Handler = async (event, context) => (await coordinate(event, context)) as APIGatewayProxyResult;
  const server = await startHttpServer(host, port, { produce, fetch, coordinator });
  const stopBackgroundWork = startBackgroundWork(sweeps);
  return {
    url: server.url,
    stop: async () => {
      await server.close();
      const settled = Promise.all([processBroker().background.settled(), stopBackgroundWork()]).then(() => true);
      if (!(await Promise.race([settled, sleep(SETTLE_WITHIN_MS, false, { ref: false })]))) {
        say(`millrace: background work was cut off after ${SETTLE_WITHIN_MS / 1000} s`);
      }
    },
  };
}
