import { expect, it } from "vitest";
import { alterTopicConfigs } from "../../../../shared/broker/alter-topic-configs.ts";
import type { AsyncInvocation } from "../../../../shared/broker/append-hand-off.ts";
import { deleteRecords } from "../../../../shared/broker/tiering/delete-records.ts";
import { type UpkeepClock, upkeepByClock } from "../../../../shared/broker/tiering/upkeep-clock.ts";
import { KafkaError } from "../../../../shared/kafka/kafka-error.ts";
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
    return this.open({ upkeepInvocation: this });
  }

  run(options: { isOn?: boolean } = {}) {
    this.runs++;
    return upkeepByClock(this.broker, this, { untilMs: this.clock.now() + 10 * MINUTE_MS, ...options });
  }

  /** Lets hours pass: the clock comes if it is on, and rings are followed. */
  async hours(count: number) {
    for (let hour = 0; hour < count; hour++) {
      await this.clock.sleep(HOUR_MS);
      if (this.isOn) await this.run({ isOn: true });
      for (; this.rings.length > 0; this.rings.shift()) await this.run();
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
