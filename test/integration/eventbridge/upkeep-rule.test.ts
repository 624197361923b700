import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dynamoDbClient } from "../../../shared/storage/dynamodb/client.ts";
import { UpkeepRule } from "../../../shared/storage/eventbridge/upkeep-rule.ts";
import { startEventBridge } from "../../fixtures/eventbridge-service.ts";
import { CREDENTIALS } from "../../fixtures/signature.ts";

const RULE = "prod-upkeep-hour";
const states = new Map<string, "ENABLED" | "DISABLED">();
let events: Awaited<ReturnType<typeof startEventBridge>>;
beforeAll(async () => {
  events = await startEventBridge(states);
});
beforeEach(() => {
  states.set(RULE, "ENABLED");
  states.set("prod-sweep-hour", "ENABLED");
});
afterAll(() => events.stop());

const rule = (name = RULE) =>
  new UpkeepRule(dynamoDbClient({ region: "eu-west-1", credentials: CREDENTIALS }), name, events.url);

describe("the upkeep's clock as a rule of EventBridge", () => {
  it("is disabled and enabled, and no other rule with it", async () => {
    await rule().turnOff();
    await rule().turnOff();
    expect([states.get(RULE), states.get("prod-sweep-hour")]).toEqual(["DISABLED", "ENABLED"]);
    await rule().turnOn();
    expect(states.get(RULE)).toBe("ENABLED");
  });

  it("fails with what EventBridge says: the clock may be on or off then", async () => {
    await expect(rule("gone").turnOn()).rejects.toMatchObject({
      code: "UNKNOWN_SERVER_ERROR",
      message: "EnableRule of gone was refused: ResourceNotFoundException",
    });
  });
});
