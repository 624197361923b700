import type { InstanceConfig, InstanceFormat } from "../../broker/consumers/instance.ts";
import type { AutoOffsetReset } from "../../group/offset-reset.ts";
import type { createInstanceBody } from "../schema/v2-consumer-schema.ts";
import { unprocessable } from "./v2-consumer-answer.ts";

type CreateInstanceBody = ReturnType<typeof createInstanceBody>["_zod"]["output"];
type Scalar = string | number | boolean | null | undefined;

/** KafkaRestConfig's range of fetch.min.bytes; -1, its default: answer with what there is. */
const MAX_MIN_BYTES = 10_000_000;
const MAX_INT = 2 ** 31 - 1;
const OF_REGISTRY: ReadonlySet<string> = new Set(["avro", "jsonschema", "protobuf"]);

/** What a consumer instance is created with. Errors: 422 with Confluent's codes: 422 (format), 42204, 40001 (fetch.min.bytes). */
export function instanceConfig(body: CreateInstanceBody): Omit<InstanceConfig, "clientHost"> {
  const minBytes = integerOf("fetch.min.bytes", body["fetch.min.bytes"] ?? body.responseMinBytes);
  const requestTimeoutMs = integerOf(
    "consumer.request.timeout.ms",
    body["consumer.request.timeout.ms"] ?? body.requestWaitMs,
  );
  if (minBytes !== undefined && (minBytes < -1 || minBytes > MAX_MIN_BYTES)) {
    const constraint = `Invalid value ${minBytes} for configuration fetch.min.bytes: -1 to ${MAX_MIN_BYTES}`;
    throw unprocessable(40001, `Invalid consumer configuration. It does not abide by the constraints: ${constraint}`);
  }
  if (requestTimeoutMs !== undefined && (requestTimeoutMs < 0 || requestTimeoutMs > MAX_INT)) {
    throw invalid("consumer.request.timeout.ms", requestTimeoutMs, `milliseconds, 0 to ${MAX_INT}`);
  }
  checkIsolation(body["isolation.level"]);
  return {
    format: formatOf(body.format),
    autoOffsetReset: resetOf(body["auto.offset.reset"]),
    autoCommit: booleanOf("enable.auto.commit", body["auto.commit.enable"] ?? body["enable.auto.commit"]) ?? true,
    minBytes: Math.max(1, minBytes ?? 1),
    ...(requestTimeoutMs === undefined ? {} : { requestTimeoutMs }),
  };
}

function formatOf(given: string | null | undefined): InstanceFormat {
  const format = given?.toLowerCase() ?? "binary";
  if (format === "binary" || format === "json") return format;
  const hint = OF_REGISTRY.has(format)
    ? `${format} needs a schema registry, and there is none: binary or json`
    : "binary or json";
  throw unprocessable(422, "Invalid format type.", hint);
}

function resetOf(given: string | null | undefined): AutoOffsetReset {
  const reset = given?.toLowerCase() ?? "latest";
  if (reset === "latest" || reset === "earliest" || reset === "none") return reset;
  throw invalid("auto.offset.reset", given, "latest, earliest or none");
}

/** There are no transactions: the two read alike. */
function checkIsolation(given: string | null | undefined): void {
  const isKnown = ["read_uncommitted", "read_committed"].includes(given?.toLowerCase() ?? "read_uncommitted");
  if (!isKnown) throw invalid("isolation.level", given, "read_uncommitted or read_committed");
}

function booleanOf(name: string, given: Scalar): boolean | undefined {
  if (given === null || given === undefined) return undefined;
  const text = String(given).trim().toLowerCase();
  if (text === "true" || text === "false") return text === "true";
  throw invalid(name, given, "true or false");
}

function integerOf(name: string, given: Scalar): number | undefined {
  if (given === null || given === undefined) return undefined;
  const number = /^-?\d{1,10}$/.test(String(given).trim()) ? Number(given) : Number.NaN;
  if (Number.isInteger(number)) return number;
  throw invalid(name, given, "an integer");
}

function invalid(name: string, value: Scalar, allowed: string) {
  const shown = String(value).slice(0, 100);
  return unprocessable(
    42204,
    `Invalid consumer configuration: Invalid value ${shown} for configuration ${name}`,
    `${name}: ${allowed}`,
  );
}
