import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dynamoDbClient } from "../../../shared/storage/dynamodb/client.ts";
import { SweepRules } from "../../../shared/storage/eventbridge/sweep-rules.ts";
import { startEventBridge } from "../../fixtures/eventbridge-service.ts";
import { CREDENTIALS } from "../../fixtures/signature.ts";

const RULES = { minute: "prod-sweep-minute", hour: "prod-sweep-hour" };
const states = new Map<string, "ENABLED" | "DISABLED">();
let events: Awaited<ReturnType<typeof startEventBridge>>;
beforeAll(async () => {
  events = await startEventBridge(states);
});
beforeEach(() => {
  for (const name of Object.values(RULES)) states.set(name, "ENABLED");
});
afterAll(() => events.stop());

const rules = (names = RULES, credentials = CREDENTIALS) =>
  new SweepRules(dynamoDbClient({ region: "eu-west-1", credentials }), names, events.url);

describe("the sweep's clocks as rules of EventBridge", () => {
  it("are enabled and disabled by requests that are signed as EventBridge checks it", async () => {
    const clocks = rules();
    await clocks.turnOff("minute");
    expect([...states.values()]).toEqual(["DISABLED", "ENABLED"]);
    await clocks.turnOff("minute");
    await clocks.turnOff("hour");
    await clocks.turnOn("minute");
    expect([...states.values()]).toEqual(["ENABLED", "DISABLED"]);
  });

  it("are asked again when somebody else changes them just now, and when requests are throttled", async () => {
    for (const [status, type] of [
      [400, "ConcurrentModificationException"],
      [400, "ThrottlingException"],
      [500, "InternalException"],
    ] as const) {
      states.set(RULES.minute, "ENABLED");
      events.refuseNext(status, type);
      await rules().turnOff("minute");
      expect([type, states.get(RULES.minute)]).toEqual([type, "DISABLED"]);
    }
  });

  it("fail, after a bounded number of requests, with what EventBridge says", async () => {
    for (let refusals = 0; refusals < 3; refusals++) events.refuseNext(400, "ThrottlingException");
    await expect(rules().turnOn("hour")).rejects.toMatchObject({ code: "THROTTLING_QUOTA_EXCEEDED" });
    const before = events.requests();
    await expect(rules({ ...RULES, hour: "gone" }).turnOn("hour")).rejects.toMatchObject({
      code: "UNKNOWN_SERVER_ERROR",
      message: "EnableRule of gone was refused: ResourceNotFoundException",
    });
    expect(events.requests()).toBe(before + 1);
  });

  it("tell no credentials in what they fail with", async () => {
    const others = { ...CREDENTIALS, secretAccessKey: "another" };
    const error = await rules(RULES, others)
      .turnOn("minute")
      .catch((failure: Error) => failure);
    expect(error).toBeInstanceOf(Error);
    expect(JSON.stringify([error, (error as Error).cause, String(error)])).not.toMatch(/another|token|ASIA/);
  });
});
