import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { SweepClock } from "../../broker/groups/sweep-clock.ts";
import { switchRule } from "./switch-rule.ts";

/** The names of two scheduled rules of EventBridge. */
export interface RuleNames {
  readonly minute: string;
  readonly hour: string;
}

/** The sweep's clock as two rules, which are enabled and disabled (switch-rule.ts). */
export class SweepRules implements SweepClock {
  readonly #client: DynamoDBClient;
  readonly #rules: RuleNames;
  readonly #endpoint: URL | undefined;

  /** `client`: who asks, and in which region. `endpoint`: of an emulator; EventBridge's own unless given. */
  constructor(client: DynamoDBClient, rules: RuleNames, endpoint?: URL) {
    this.#client = client;
    this.#rules = rules;
    this.#endpoint = endpoint;
  }

  turnOn(clock: keyof RuleNames): Promise<void> {
    return switchRule(this.#client, "EnableRule", this.#rules[clock], this.#endpoint);
  }

  turnOff(clock: keyof RuleNames): Promise<void> {
    return switchRule(this.#client, "DisableRule", this.#rules[clock], this.#endpoint);
  }
}
