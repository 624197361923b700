import { errorFields } from "./error-fields.ts";

/** Fields of a log line. Never record contents, keys or credentials. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

export interface Logger {
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields, cause?: unknown): void;
  error(message: string, fields?: LogFields, cause?: unknown): void;
}

/** One JSON object a line, as CloudWatch Logs Insights reads them. */
export function jsonLogger(write: (line: string) => void): Logger {
  const line = (level: string, message: string, fields: LogFields = {}, cause?: unknown) => {
    write(`${JSON.stringify({ level, message, ...fields, ...errorFields(cause) })}\n`);
  };
  return {
    info: (message, fields) => line("INFO", message, fields),
    warn: (message, fields, cause) => line("WARN", message, fields, cause),
    error: (message, fields, cause) => line("ERROR", message, fields, cause),
  };
}

export const silentLogger: Logger = { info() {}, warn() {}, error() {} };
