import { type Refusal, refuse } from "./kafka-error.ts";
import { type ConfigDefinition, TOPIC_CONFIGS } from "./topic-config.ts";

/** Why a topic config cannot be set to `value` (null: its default); undefined if it can. Errors: INVALID_CONFIG. */
export function configRefusal(name: string, value: string | null): Refusal | undefined {
  const definition = TOPIC_CONFIGS.get(name);
  if (definition === undefined) {
    return refuse("INVALID_CONFIG", `unknown topic config ${JSON.stringify(name)}`, `did you mean ${nearest(name)}?`);
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

/** The known name that shares most parts with an unknown one, and has fewest of its own. */
function nearest(name: string): string {
  const parts = new Set(
    name
      .slice(0, 200)
      .toLowerCase()
      .split(/[^a-z]+/),
  );
  const score = (known: string) => known.split(".").reduce((sum, part) => sum + (parts.has(part) ? 2 : -1), 0);
  return [...TOPIC_CONFIGS.keys()].reduce((best, known) => (score(known) > score(best) ? known : best));
}
