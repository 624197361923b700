import { LogLevel, Logger as PowertoolsLogger } from "@aws-lambda-powertools/logger";
import { errorFields } from "../shared/runtime/error-fields.ts";
import type { LogFields, Logger } from "../shared/runtime/logger.ts";
import type { InvocationContext } from "./invocation-context.ts";

type LambdaContext = Parameters<PowertoolsLogger["addContext"]>[0];
type Level = keyof typeof LogLevel;

/** Powertools' structured log lines: service, request id and cold start in each of them. */
export class LambdaLogger implements Logger {
  readonly #powertools: PowertoolsLogger;

  /** `levelName`: from the environment; what is no level is told of, and INFO taken. */
  constructor(serviceName: string, levelName: string) {
    const logLevel = levelName.trim().toUpperCase();
    const isLevel = Object.hasOwn(LogLevel, logLevel);
    this.#powertools = new PowertoolsLogger({ serviceName, logLevel: isLevel ? (logLevel as Level) : "INFO" });
    if (!isLevel)
      this.warn("the log level is none that there is; INFO is taken", { levels: Object.keys(LogLevel).join(" ") });
  }

  /** From now on lines carry the ids of this invocation; `correlationId` is API Gateway's id of the request. */
  begin(context: InvocationContext | undefined, correlationId: string | undefined): void {
    this.#powertools.resetKeys();
    if (context?.awsRequestId !== undefined) this.#powertools.addContext(context as LambdaContext);
    if (correlationId !== undefined) this.#powertools.setCorrelationId(correlationId);
  }

  info(message: string, fields: LogFields = {}): void {
    this.#powertools.info(message, { ...fields });
  }

  warn(message: string, fields: LogFields = {}, cause?: unknown): void {
    this.#powertools.warn(message, { ...fields, ...errorFields(cause) });
  }

  error(message: string, fields: LogFields = {}, cause?: unknown): void {
    this.#powertools.error(message, { ...fields, ...errorFields(cause) });
  }
}
