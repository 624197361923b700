import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { UpkeepClock } from "../../broker/tiering/upkeep-clock.ts";
import { switchRule } from "./switch-rule.ts";

/** The upkeep's clock as a scheduled rule, which is enabled and disabled (switch-rule.ts). */
export class UpkeepRule implements UpkeepClock {
  readonly #client: DynamoDBClient;
  readonly #name: string;
  readonly #endpoint: URL | undefined;

  /** `client`: who asks, and in which region. `endpoint`: of an emulator; EventBridge's own unless given. */
  constructor(client: DynamoDBClient, name: string, endpoint?: URL) {
    this.#client = client;
    this.#name = name;
    this.#endpoint = endpoint;
  }

  turnOn(): Promise<void> {
    return switchRule(this.#client, "EnableRule", this.#name, this.#endpoint);
  }

  turnOff(): Promise<void> {
    return switchRule(this.#client, "DisableRule", this.#name, this.#endpoint);
  }
}
