import type { APIGatewayProxyResult } from "aws-lambda";
import { appendHandedOff } from "../../shared/broker/append-handed-off.ts";
import { handedOffAppends } from "../../shared/broker/handed-off-event.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import { PRODUCE_ROUTES } from "../../shared/http/produce-routes.ts";
import { httpHandler } from "../http-handler.ts";
import { type InvocationContext, remainingMs } from "../invocation-context.ts";
import { observed } from "../observability.ts";
import { bringAppends, processBroker } from "../process-broker.ts";

const END_MARGIN_MS = 1_000;
/** Nobody reads it: whoever handed something off was told before. */
const TAKEN: APIGatewayProxyResult = { statusCode: 202, headers: {}, body: "", isBase64Encoded: false };

bringAppends(openBroker);

const answer = httpHandler(PRODUCE_ROUTES);

/**
 * The function behind every route that writes. It also invokes itself asynchronously: what a request with acks=0 has handed off is
 * written by another invocation of it. That one never throws, or Lambda would bring the same once more.
 */
export async function handler(event: unknown, context?: InvocationContext): Promise<APIGatewayProxyResult> {
  let appends: ReturnType<typeof handedOffAppends>;
  try {
    appends = handedOffAppends(event);
  } catch (error) {
    await observed({ context }, async (logger) => logger.error("what was handed off cannot be read", {}, error));
    return TAKEN;
  }
  if (appends === undefined) return answer(event, context);
  const given = appends;
  await observed({ context }, () => appendHandedOff(processBroker(), given, remainingMs(context, END_MARGIN_MS)));
  return TAKEN;
}
