import { jsonLogger, type Logger } from "../shared/runtime/logger.ts";
import { type Metrics, silentMetrics } from "../shared/runtime/metrics.ts";
import { EmfMetrics } from "./emf-metrics.ts";
import type { InvocationContext } from "./invocation-context.ts";
import { LambdaLogger } from "./powertools-logger.ts";

/** What a process tells of itself. */
export interface Observability {
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** An invocation begins: its ids go into the log lines that follow. */
  begin(context: InvocationContext | undefined, correlationId: string | undefined): void;
  /** An invocation ends: what was counted is published. */
  end(): void;
}

/** What an invocation can be told apart by: Lambda's context, and API Gateway's id of the request. */
export interface Invocation {
  readonly context: InvocationContext | undefined;
  readonly correlationId?: string | undefined;
}

let observability: Observability | undefined;

/** Whether this process is a Lambda environment, which freezes between invocations. */
export function isOnLambda(): boolean {
  return process.env["AWS_LAMBDA_FUNCTION_NAME"] !== undefined;
}

/** On Lambda Powertools' logger and EMF metrics; elsewhere log lines on stderr and no metrics. One for the process. */
export function processObservability(): Observability {
  observability ??= isOnLambda() ? onLambda(process.env) : elsewhere();
  return observability;
}

/** Runs one invocation. However it ends, its metrics are published before the environment freezes. */
export async function observed<T>(
  { context, correlationId }: Invocation,
  invocation: (logger: Logger) => Promise<T>,
): Promise<T> {
  const { logger, begin, end } = processObservability();
  begin(context, correlationId);
  try {
    return await invocation(logger);
  } catch (error) {
    // Lambda's own line of it has neither the cause nor the ids.
    logger.error("the invocation failed", {}, error);
    throw error;
  } finally {
    end();
  }
}

function elsewhere(): Observability {
  const logger = jsonLogger((line) => process.stderr.write(line));
  return { logger, metrics: silentMetrics, begin() {}, end() {} };
}

/** Powertools throws on variables that it cannot read: a function that answers and tells less is better than none. */
function onLambda(variables: Readonly<Record<string, string | undefined>>): Observability {
  const service = variables["POWERTOOLS_SERVICE_NAME"] || "millrace";
  const level = variables["POWERTOOLS_LOG_LEVEL"] || variables["LOG_LEVEL"] || "INFO";
  try {
    const logger = new LambdaLogger(service, level);
    const metrics = new EmfMetrics(service, variables["POWERTOOLS_METRICS_NAMESPACE"] || undefined);
    const begin: Observability["begin"] = (context, correlationId) => logger.begin(context, correlationId);
    return { logger, metrics, begin, end: () => metrics.publish() };
  } catch (error) {
    const plain = elsewhere();
    plain.logger.error(
      "Powertools does not start: plain log lines and no metrics; see the POWERTOOLS variables",
      {},
      error,
    );
    return plain;
  }
}
