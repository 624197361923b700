import { type Refusal, refuse } from "./kafka-error.ts";
import { nearestName } from "./nearest-name.ts";
import { type ConfigDefinition, TOPIC_CONFIGS } from "./topic-config.ts";

/** Why a topic config cannot be set to `value` (null: its default); undefined if it can. Errors: INVALID_CONFIG. */
export function configRefusal(name: string, value: string | null): Refusal | undefined {
  const definition = TOPIC_CONFIGS.get(name);
  if (definition === undefined) {
    const known = [...TOPIC_CONFIGS.keys()];
    const nearest = nearestName(name, known);
    const hint = nearest === undefined ? `known are: ${known.join(", ")}` : `did you mean ${nearest}?`;
    return refuse("INVALID_CONFIG", `unknown topic config ${JSON.stringify(name)}`, hint);
  }
  if (value === null) return undefined;
  const problem = problemOf(definition, value);
  if (problem === undefined) return undefined;
  return refuse(
    "INVALID_CONFIG",
    `invalid value ${JSON.stringify(value)} for ${name}: ${problem}`,
    definition.documentation,
  );
}

/** Why topic configs, valid one by one, do not go together; undefined if they do. Those not named have their defaults. Errors: INVALID_CONFIG. */
export function conflictRefusal(configs: Readonly<Record<string, string>>): Refusal | undefined {
  const settingOf = (name: string) => BigInt(configs[name] ?? TOPIC_CONFIGS.get(name)!.defaultValue);
  const [least, most] = ["min.compaction.lag.ms", "max.compaction.lag.ms"] as const;
  if (settingOf(least) <= settingOf(most)) return undefined;
  return refuse(
    "INVALID_CONFIG",
    `${least} is ${settingOf(least)}, and ${most} ${settingOf(most)}`,
    `set ${least} to at most ${most}`,
  );
}

function problemOf({ type, min, max, oneOf }: ConfigDefinition, value: string): string | undefined {
  if (type === "BOOLEAN") return /^(true|false)$/i.test(value) ? undefined : "must be true or false";
  if (type === "STRING") return oneOf?.includes(value) === false ? `must be one of ${oneOf.join(", ")}` : undefined;
  if (type === "LIST") {
    const elements = value.split(",").map((element) => element.trim());
    const isKnown = elements.every((element) => oneOf?.includes(element) !== false);
    return isKnown && value !== "" ? undefined : `must be a list of ${oneOf?.join(", ")}`;
  }
  const pattern = type === "DOUBLE" ? /^-?\d+(\.\d+)?$/ : /^-?\d+$/;
  if (!pattern.test(value)) return `must be ${type === "DOUBLE" ? "a number" : "an integer"}`;
  if (type === "LONG" && BigInt(value) > 9223372036854775807n) return "must be at most 9223372036854775807";
  const number = Number(value);
  if (min !== undefined && number < min) return `must be at least ${min}`;
  if (max !== undefined && number > max) return `must be at most ${max}`;
  return undefined;
}
