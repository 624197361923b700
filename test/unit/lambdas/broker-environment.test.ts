import { describe, expect, it } from "vitest";
import { BROKER_ENVIRONMENT, readBrokerEnvironment } from "../../../lambdas/broker-environment.ts";

const SOUND = {
  AWS_REGION: "us-east-2",
  [BROKER_ENVIRONMENT.logTable]: "log",
  [BROKER_ENVIRONMENT.metadataTable]: "metadata",
  [BROKER_ENVIRONMENT.segments]: "s3://segments-{region}",
  [BROKER_ENVIRONMENT.regions]: "us-east-1,us-east-2,us-west-2",
};
const read = (change: Record<string, string> = {}) => readBrokerEnvironment({ ...SOUND, ...change });

describe("a broker's environment", () => {
  it("has the regions as brokers, in order, and the process's own", () => {
    const { brokers, own } = read();
    expect(brokers.map(({ brokerId, region }) => `${brokerId} ${region}`)).toEqual([
      "1 us-east-1",
      "2 us-east-2",
      "3 us-west-2",
    ]);
    expect([own.brokerId, own.segments.href]).toEqual([2, "s3://segments-us-east-2"]);
  });

  it("has Kafka's bound on a follower's lag and a lease of ten seconds unless told", () => {
    expect(read()).toMatchObject({ leaseMs: 10_000, replicaLagTimeMaxMs: 30_000 });
    const told = { [BROKER_ENVIRONMENT.leaseMs]: "120000", [BROKER_ENVIRONMENT.replicaLagTimeMaxMs]: "60000" };
    expect(read(told)).toMatchObject({ leaseMs: 120_000, replicaLagTimeMaxMs: 60_000 });
    expect(read({ [BROKER_ENVIRONMENT.leaseMs]: "" }).leaseMs).toBe(10_000);
  });

  it("names the variable that is no such time, and what it may be", () => {
    for (const value of ["0", "999", "900001", "-5000", "1e4", "10s", "5000.5", "99999999999"]) {
      expect(() => read({ [BROKER_ENVIRONMENT.leaseMs]: value })).toThrow(
        "MILLRACE_LEASE_MS must be milliseconds, 1000 to 900000",
      );
    }
    expect(() => read({ [BROKER_ENVIRONMENT.replicaLagTimeMaxMs]: "10" })).toThrow(
      "MILLRACE_REPLICA_LAG_TIME_MAX_MS must be milliseconds, 1000 to 86400000",
    );
  });

  it("has the names of the sweep's rules, if there are any, and says so if they are none", () => {
    expect(read().sweepRules).toBeUndefined();
    const told = { [BROKER_ENVIRONMENT.sweepRules]: "orders-sweep-minute,orders-sweep-hour" };
    expect(read(told).sweepRules).toEqual({ minute: "orders-sweep-minute", hour: "orders-sweep-hour" });
    for (const value of ["one", "one,", ",two", "one,two,three", "one two,three", `${"x".repeat(65)},y`]) {
      expect(() => read({ [BROKER_ENVIRONMENT.sweepRules]: value })).toThrow(
        "MILLRACE_SWEEP_RULES must be the names of two rules, divided by a comma",
      );
    }
  });
});
