import { describe, expect, it } from "vitest";
import { alterTopicConfigs } from "../../../../shared/broker/alter-topic-configs.ts";
import type { AsyncInvocation } from "../../../../shared/broker/append-hand-off.ts";
import { deleteRecords } from "../../../../shared/broker/tiering/delete-records.ts";
import { upkeepLogs } from "../../../../shared/broker/tiering/upkeep.ts";
import { type UpkeepClock, upkeepByClock } from "../../../../shared/broker/tiering/upkeep-clock.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
import type { LogKey } from "../../../../shared/log/log-item.ts";
import { inVirtualTime } from "../../../fixtures/virtual-time.ts";
import { DAY_MS, HOUR_MS, KeptLogs, MINUTE_MS, numbered } from "./kept-logs.ts";

/** An hourly clock that may be off, and writers who ring: what begins the upkeep on AWS. */
class Deployed extends KeptLogs implements UpkeepClock, AsyncInvocation {
  readonly maxEventBytes = 1_000;
  isOn = true;
  rings: string[] = [];
  runs = 0;

  constructor(clock: KeptLogs["clock"]) {
    super(clock);
  }

  async turnOn() {
    this.isOn = true;
  }

  async turnOff() {
    this.isOn = false;
  }

  async invoke(event: string) {
    this.rings.push(event);
  }

  process() {
    return this.open({ upkeepInvocations: new Map([[1, this]]) });
  }

  run(options: { isOn?: boolean; log?: LogKey } = {}) {
    this.runs++;
    return upkeepByClock(this.broker, this, { untilMs: this.clock.now() + 10 * MINUTE_MS, ...options });
  }

  /** Lets hours pass: the clock comes if it is on, and rings are followed. */
  async hours(count: number) {
    for (let hour = 0; hour < count; hour++) {
      await this.clock.sleep(HOUR_MS);
      if (this.isOn) await this.run({ isOn: true });
      await this.answer();
    }
  }

  /** Runs that were rung for. */
  async answer() {
    for (; this.rings.length > 0; this.rings.shift()) {
      const { upkeep } = JSON.parse(this.rings[0]!) as { upkeep: true | LogKey };
      await this.run(upkeep === true ? {} : { log: upkeep });
    }
  }
}

it("stops the clock when all is kept, and starts it by the next append", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": String(HOUR_MS) });
    const writer = logs.process();
    await logs.append(numbered(3), writer);
    expect(logs.rings).toEqual(['{"upkeep":true}']);
    await logs.hours(10 * 24);
    expect(logs.isOn).toBe(false);
    const { runs } = logs;
    await logs.hours(100 * 24);
    expect(logs.runs).toBe(runs);
    await logs.append(["more"], writer);
    expect(logs.rings).toHaveLength(1);
    await logs.hours(1);
    expect(logs.isOn).toBe(true);
    expect((await logs.stretches()).at(-1)).toBe("3-3");
  }));

it("lets the clock go on until no writer can go by a word from before the log was idle", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create();
    await logs.run({ isOn: true });
    expect((await logs.state()).idleSince).toBe(clock.now());
    expect(logs.isOn).toBe(true);
    await clock.sleep(20 * MINUTE_MS);
    await logs.run({ isOn: true });
    expect(logs.isOn).toBe(true);
    await clock.sleep(20 * MINUTE_MS);
    await logs.run({ isOn: true });
    expect(logs.isOn).toBe(false);
    const writer = logs.process();
    await logs.append(["a"], writer);
    expect(logs.rings).toHaveLength(1);
  }));

it("starts the clock again when another run saw what this one did not", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": String(HOUR_MS) });
    await logs.hours(3);
    expect(logs.isOn).toBe(false);
    logs.isOn = true;
    // Appended after the run has looked, and before it stops the clock.
    logs.turnOff = async () => {
      logs.isOn = false;
      await logs.append(["meanwhile"]);
      logs.turnOff = Deployed.prototype.turnOff;
    };
    await logs.run({ isOn: true });
    expect(logs.isOn).toBe(true);
  }));

it("rings once for many appends, and where the upkeep has not come for hours", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create();
    const writer = logs.process();
    await logs.append(numbered(20), writer);
    expect(logs.rings).toHaveLength(1);
    await logs.hours(1);
    await logs.append(["a"], writer);
    expect(logs.rings).toHaveLength(0);
    await clock.sleep(3 * HOUR_MS);
    await logs.append(["b"], writer);
    expect(logs.rings).toHaveLength(1);
  }));

it("appends all the same where ringing fails", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create();
    logs.invoke = () => Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "Lambda is down"));
    const writer = logs.process();
    expect(await logs.append(["a"], writer)).toEqual(["0:0"]);
    await writer.background.settled();
  }));

it("rings when records are deleted, and when a topic's configs change", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create();
    await logs.append(numbered(3));
    const process = logs.process();
    expect((await deleteRecords(process, { topic: "t", partition: 0, beforeOffset: 2 })).ok).toBe(true);
    const changes = [{ name: "retention.ms", operation: "SET" as const, value: String(DAY_MS) }];
    expect((await alterTopicConfigs(process, { topic: "t", changes })).ok).toBe(true);
    expect(logs.rings).toHaveLength(2);
  }));

describe("a log that fills a segment", () => {
  const KIB_64 = "x".repeat(64 * 1024);
  const FULL = { "segment.bytes": String(1024 * 1024), "retention.ms": "-1", "local.retention.ms": String(HOUR_MS) };
  /** A little less than segment.bytes holds sixteen of these: the sixteenth item goes past it. */
  const large = (count: number) => Array.from({ length: count }, () => KIB_64);

  it("is looked after before the hour, by a run of its own, whichever of many processes fills it", () =>
    inVirtualTime(async (clock) => {
      const logs = new Deployed(clock);
      await logs.create(FULL);
      const writers = [logs.process(), logs.process(), logs.process()];
      for (const writer of writers) await logs.append(["first"], writer);
      // The state that the first run makes is read ten minutes later.
      await logs.answer();
      await clock.sleep(11 * MINUTE_MS);
      for (const writer of writers) await logs.append(["then"], writer);
      await logs.answer();
      for (const [index, value] of large(20).entries()) await logs.append([value], writers[index % 3]);
      expect(logs.rings).toEqual([JSON.stringify({ upkeep: logs.log })]);
      await logs.answer();
      expect((await logs.state()).tieredEndOffset).toBeGreaterThanOrEqual(21);
    }));

  it("is, too, where nobody has looked after it yet", () =>
    inVirtualTime(async (clock) => {
      const logs = new Deployed(clock);
      await logs.create(FULL);
      const writer = logs.process();
      await logs.append(large(16), writer);
      expect(logs.rings).toEqual(['{"upkeep":true}', JSON.stringify({ upkeep: logs.log })]);
    }));

  it("rings again for the next segment, and not more than once a minute", () =>
    inVirtualTime(async (clock) => {
      const logs = new Deployed(clock);
      await logs.create(FULL);
      const writer = logs.process();
      await logs.append(large(64), writer);
      expect(logs.rings).toHaveLength(2);
      await clock.sleep(MINUTE_MS);
      await logs.append(large(16), writer);
      expect(logs.rings).toHaveLength(3);
    }));

  it("has its clock go on: the run looked at no other log", () =>
    inVirtualTime(async (clock) => {
      const logs = new Deployed(clock);
      await logs.create(FULL);
      await logs.append(large(16), logs.process());
      logs.isOn = false;
      await logs.run({ log: logs.log });
      expect([logs.isOn, await logs.stretches()]).toEqual([true, ["0-14", "15-15"]]);
    }));
});

it("asks the region that leads for the upkeep, which can keep no other's logs", () =>
  inVirtualTime(async (clock) => {
    const [own, other] = [new Deployed(clock), new Deployed(clock)];
    await own.create();
    const bell = own.open({
      upkeepInvocations: new Map([
        [1, own],
        [2, other],
      ]),
      brokerId: 1,
    }).upkeepBell;
    bell.ringAnyway(2);
    bell.ringAnyway();
    expect([own.rings, other.rings]).toEqual([['{"upkeep":true}'], ['{"upkeep":true}']]);
  }));

it("has writers tell the lag where the upkeep does not come at all: nobody else would", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": String(HOUR_MS) });
    const writer = logs.process();
    await logs.append(["a"], writer);
    await logs.hours(1);
    await logs.append(["b"], writer);
    await logs.answer();
    delete logs.metrics.gauges["TieringLag"];
    await clock.sleep(HOUR_MS);
    await logs.append(["c"], writer);
    expect(logs.metrics.gauges).not.toHaveProperty("TieringLag");
    await clock.sleep(13 * HOUR_MS);
    await logs.append(["d"], writer);
    expect(logs.metrics.gauges["TieringLag"]).toBeGreaterThan(13 * HOUR_MS);
  }));

it("has nobody tell a lag of a log that is idle, however long ago that was", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": "-1" });
    await logs.hours(3);
    await clock.sleep(5 * DAY_MS);
    expect((await logs.state()).idleSince).toBeDefined();
    delete logs.metrics.gauges["TieringLag"];
    await logs.append(["a"], logs.process());
    expect(logs.metrics.gauges).not.toHaveProperty("TieringLag");
    await upkeepLogs(logs.broker, { untilMs: clock.now() });
    expect(logs.metrics.gauges["TieringLag"]).toBe(0);
  }));

it("has writers tell the lag where they cannot ask for the upkeep, of a log that was idle too", () =>
  inVirtualTime(async (clock) => {
    const logs = new Deployed(clock);
    await logs.create({ "retention.ms": "-1", "local.retention.ms": "-1" });
    await logs.hours(3);
    await clock.sleep(13 * HOUR_MS);
    logs.invoke = () => Promise.reject(new KafkaError("KAFKA_STORAGE_ERROR", "AccessDeniedException"));
    const writer = logs.process();
    await logs.append(["a"], writer);
    await writer.background.settled();
    expect(logs.metrics.gauges["TieringLag"]).toBeGreaterThan(13 * HOUR_MS);
  }));
