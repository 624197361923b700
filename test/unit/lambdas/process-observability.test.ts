import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

let stdout: string[];
let stderr: string[];
beforeEach(() => {
  vi.resetModules();
  stdout = [];
  stderr = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => stdout.push(String(text)) > 0);
  vi.spyOn(process.stderr, "write").mockImplementation((text) => stderr.push(String(text)) > 0);
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** A process that begins now, with these variables. */
async function processWith(variables: Record<string, string>) {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return import("../../../lambdas/observability.ts");
}

const ON_LAMBDA = { AWS_LAMBDA_FUNCTION_NAME: "f", AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand" };
const CONTEXT = { context: { awsRequestId: "one" } };
const parsed = (lines: readonly string[]) => lines.map((line) => JSON.parse(line));

describe("what a process tells of itself", () => {
  it("on Lambda are metrics at the end of each invocation, also of one that throws", async () => {
    const { observed, processObservability } = await processWith(ON_LAMBDA);
    const failing = observed(CONTEXT, async () => {
      processObservability().metrics.count("StoreThrottles", 2);
      throw new Error("it failed", { cause: new Error("the reason of it") });
    });
    await expect(failing).rejects.toThrow("it failed");
    expect(parsed(stdout)).toEqual([expect.objectContaining({ StoreThrottles: 2, service: "millrace" })]);
    expect(parsed(stderr)).toEqual([
      expect.objectContaining({ level: "ERROR", errorMessage: "it failed", causedBy: "Error: the reason of it" }),
    ]);
  });

  it("on Lambda are log lines with the ids of the invocation, the first of them a cold start", async () => {
    const { observed } = await processWith({ ...ON_LAMBDA, POWERTOOLS_SERVICE_NAME: "prod" });
    await observed({ ...CONTEXT, correlationId: "api" }, async (logger) => logger.info("first", { a: 1 }));
    await observed({ context: { awsRequestId: "two" } }, async (logger) => logger.info("second"));
    const [first, second] = parsed(stdout);
    const ids = { service: "prod", function_request_id: "one", correlation_id: "api" };
    expect(first).toMatchObject({ ...ids, level: "INFO", message: "first", a: 1, cold_start: true });
    expect(second).toMatchObject({ function_request_id: "two", cold_start: false });
    expect(second).not.toHaveProperty("correlation_id");
  });

  it("of an error is what it says and what caused it, never what else it carries", async () => {
    const { observed } = await processWith(ON_LAMBDA);
    const Item = { batches: { B: "SECRET" } };
    const cause = Object.assign(new Error("the condition failed"), { Item, $metadata: { httpStatusCode: 400 } });
    const error = Object.assign(new TypeError("it failed", { cause }), { Item });
    await observed(CONTEXT, async (logger) => logger.warn("odd", {}, error));
    expect(stderr.join()).not.toContain("SECRET");
    expect(parsed(stderr)).toEqual([
      expect.objectContaining({
        error: "TypeError",
        errorMessage: "it failed",
        stack: expect.stringContaining("process-observability.test.ts"),
        causedBy: "Error: the condition failed (HTTP 400)",
      }),
    ]);
  });

  it("elsewhere is on stderr alone, and no metrics", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", undefined);
    const { observed, processObservability } = await processWith({});
    await observed(CONTEXT, async (logger) => {
      processObservability().metrics.count("Appends", 1);
      processObservability().metrics.duration("ProduceLatency", 1);
      logger.info("told");
    });
    expect(stdout).toEqual([]);
    expect(parsed(stderr)).toEqual([{ level: "INFO", message: "told" }]);
  });

  it("has the level that is set, in whatever case, and INFO where that is none", async () => {
    for (const [level, told] of [
      ["debug", ["INFO", "WARN"]],
      ["WARN", ["WARN"]],
      ["SILENT", []],
      ["LOUD", ["WARN", "INFO", "WARN"]],
      ["constructor", ["WARN", "INFO", "WARN"]],
      ["", ["INFO", "WARN"]],
    ] as const) {
      vi.resetModules();
      const lines: string[] = [];
      for (const stream of [process.stdout, process.stderr]) {
        vi.spyOn(stream, "write").mockImplementation((text) => lines.push(String(text)) > 0);
      }
      const { observed } = await processWith({ ...ON_LAMBDA, POWERTOOLS_LOG_LEVEL: level });
      await observed(CONTEXT, async (logger) => {
        logger.info("info");
        logger.warn("warn");
      });
      expect([level, parsed(lines).map((line) => line.level)]).toEqual([level, told]);
    }
  });

  it("is plain log lines where Powertools does not start with the variables that are set", async () => {
    for (const name of [
      "POWERTOOLS_LOGGER_SAMPLE_RATE",
      "POWERTOOLS_LOGGER_LOG_EVENT",
      "POWERTOOLS_METRICS_DISABLED",
    ]) {
      vi.resetModules();
      vi.unstubAllEnvs();
      stderr.length = 0;
      const { observed } = await processWith({ ...ON_LAMBDA, [name]: "perhaps" });
      expect(await observed(CONTEXT, async (logger) => logger.warn("told") ?? "answered")).toBe("answered");
      expect(parsed(stderr).map(({ message }) => message)).toEqual([
        expect.stringContaining("POWERTOOLS variables"),
        "told",
      ]);
      expect(stderr[0]).toContain(name);
    }
  });
});
