import { refuse } from "../kafka/kafka-error.ts";
import { ok, type Result } from "../kafka/result.ts";
import { configRefusal, conflictRefusal } from "../kafka/validate-config.ts";
import type { Broker } from "./broker.ts";
import { changeTopic } from "./change-topic.ts";
import { describeTopic } from "./describe-topic.ts";
import type { TopicDescription } from "./topic-description.ts";

export interface ConfigChange {
  readonly name: string;
  /** SET gives it `value`, DELETE its default again. */
  readonly operation: "SET" | "DELETE";
  readonly value?: string | null;
}

export interface AlterTopicConfigsRequest {
  readonly topic: string;
  readonly changes: readonly ConfigChange[];
  readonly validateOnly?: boolean;
}

/** Changes configs of a topic, all or none (KIP-339). Errors: UNKNOWN_TOPIC_OR_PARTITION, INVALID_CONFIG. */
export async function alterTopicConfigs(
  broker: Broker,
  { topic, changes, validateOnly }: AlterTopicConfigsRequest,
): Promise<Result<TopicDescription>> {
  const names = new Set<string>();
  for (const { name, operation, value } of changes) {
    const refusal = names.has(name)
      ? refuse("INVALID_CONFIG", `config ${name} is named twice`)
      : configRefusal(name, operation === "DELETE" ? null : (value ?? null));
    if (refusal !== undefined) return { ok: false, refusal };
    names.add(name);
  }
  const changed = await changeTopic(broker, topic, (item) => {
    const configs = { ...item.configs };
    for (const { name, operation, value } of changes) {
      if (operation === "DELETE" || value === undefined || value === null) delete configs[name];
      else configs[name] = value;
    }
    const conflict = conflictRefusal(configs);
    if (conflict !== undefined) return { ok: false, refusal: conflict };
    return ok(validateOnly ? item : { ...item, configs });
  });
  // A shorter retention may have made something due. What other regions lead of it waits for their clocks.
  if (changed.ok && validateOnly !== true) broker.upkeepBell.ringAnyway();
  return changed.ok ? describeTopic(broker, topic) : changed;
}
