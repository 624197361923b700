import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { EmfMetrics } from "../../../lambdas/emf-metrics.ts";

let lines: string[];
beforeEach(() => {
  lines = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => lines.push(String(text)) > 0);
});
afterEach(() => vi.restoreAllMocks());

/** The values of each line, without what stands around them. */
const written = () => lines.map((line) => JSON.parse(line)).map(({ _aws, service, ...values }) => values);
const named = (line: string) => JSON.parse(line)._aws.CloudWatchMetrics[0].Metrics;

describe("metrics in the embedded metric format", () => {
  it("have one value for a count and one for each duration, in one line", () => {
    const metrics = new EmfMetrics("prod");
    metrics.count("Appends", 1);
    metrics.count("BytesIn", 70);
    metrics.count("Appends", 1);
    metrics.count("BytesIn", 100);
    metrics.duration("ProduceLatency", 12);
    metrics.duration("ProduceLatency", 7);
    metrics.publish();
    expect(written()).toEqual([{ Appends: 2, BytesIn: 170, ProduceLatency: [12, 7] }]);
    expect(named(lines[0]!)).toEqual([
      { Name: "ProduceLatency", Unit: "Milliseconds" },
      { Name: "Appends", Unit: "Count" },
      { Name: "BytesIn", Unit: "Bytes" },
    ]);
  });

  it("are written once, and not at all when nothing was counted", () => {
    const metrics = new EmfMetrics("prod");
    metrics.publish();
    metrics.count("RecordsOut", 0);
    metrics.publish();
    expect(lines).toEqual([]);
    metrics.count("Errors", 1);
    metrics.publish();
    metrics.publish();
    expect(written()).toEqual([{ Errors: 1 }]);
  });

  it("go into further lines beyond 100 values of one, none lost and no count repeated", () => {
    const metrics = new EmfMetrics("prod");
    for (let value = 0; value < 250; value++) {
      metrics.count("Appends", 1);
      metrics.duration("ProduceLatency", value);
    }
    metrics.publish();
    const values = written().map(({ ProduceLatency }) => ProduceLatency as number[]);
    expect(values.map(({ length }) => length)).toEqual([100, 100, 50]);
    expect(values.flat()).toEqual(Array.from({ length: 250 }, (_, value) => value));
    expect(written().map(({ Appends }) => Appends)).toEqual([undefined, undefined, 250]);
  });

  it("have no negative duration: with one of them CloudWatch knows no percentiles", () => {
    const metrics = new EmfMetrics("prod");
    metrics.duration("FetchLatency", -3);
    metrics.publish();
    expect(written()).toEqual([{ FetchLatency: 0 }]);
  });

  it("have the service as their one dimension, in the namespace that is set", () => {
    const metrics = new EmfMetrics("prod", "Elsewhere");
    metrics.count("Errors", 1);
    metrics.publish();
    expect(JSON.parse(lines[0]!)).toMatchObject({
      service: "prod",
      _aws: { CloudWatchMetrics: [{ Namespace: "Elsewhere", Dimensions: [["service"]] }] },
    });
  });

  it("have the largest value of a gauge, once, and nothing of one that is 0", () => {
    const metrics = new EmfMetrics("prod");
    for (const value of [0, 3, 2]) metrics.gauge("UnderReplicatedPartitions", value);
    metrics.gauge("OfflinePartitions", 0);
    metrics.publish();
    metrics.publish();
    expect(written()).toEqual([{ UnderReplicatedPartitions: 3 }]);
    metrics.gauge("UnderReplicatedPartitions", 1);
    metrics.publish();
    expect(written().at(-1)).toEqual({ UnderReplicatedPartitions: 1 });
  });

  it("have a line for each follower, with the broker beside the service, and one for all without", () => {
    const metrics = new EmfMetrics("prod", "Elsewhere");
    metrics.gauge("ReplicaLag", 7);
    metrics.gauge("ReplicaLag", 7, 2);
    metrics.gauge("ReplicaLag", 4, 3);
    metrics.gauge("ReplicaLagTime", 900, 3);
    metrics.publish();
    const told = lines.map((line) => JSON.parse(line));
    expect(
      told.map(({ service, broker, ReplicaLag, ReplicaLagTime }) => [service, broker, ReplicaLag, ReplicaLagTime]),
    ).toEqual([
      ["prod", "2", 7, undefined],
      ["prod", "3", 4, undefined],
      ["prod", "3", undefined, 900],
      ["prod", undefined, 7, undefined],
    ]);
    for (const { _aws, broker } of told) {
      const [{ Namespace, Dimensions }] = _aws.CloudWatchMetrics;
      expect([Namespace, Dimensions]).toEqual([
        "Elsewhere",
        [broker === undefined ? ["service"] : ["service", "broker"]],
      ]);
    }
  });
});
