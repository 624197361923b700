import * as z from "zod/mini";
import en from "zod/v4/locales/en.js";
import { nearestName } from "../../kafka/nearest-name.ts";
import { badRequest } from "../http-error.ts";

// Without a locale every message is "Invalid input".
z.config(en());

/** The value in its schema's type. Errors: 400 that names the first field that is wrong, and the nearest known name. */
export function check<S extends z.ZodMiniType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") {
    throw badRequest(`${what}${path === "" ? "" : ` ${path}`}: ${issue.message}`);
  }
  const unknown = issue.keys[0]!.slice(0, 200);
  const known = namesAt(schema, issue.path);
  const nearest = nearestName(unknown, known);
  const hint = nearest === undefined ? `known are: ${known.join(", ") || "none"}` : `did you mean ${nearest}?`;
  throw badRequest(`unknown ${what}: ${path === "" ? "" : `${path}.`}${unknown}`, hint);
}

/** The names that the object at a path may have. */
function namesAt(schema: z.ZodMiniType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of [...path, undefined]) {
    while (at instanceof z.ZodMiniOptional || at instanceof z.ZodMiniNullable) at = at.def.innerType;
    if (key === undefined) break;
    at =
      at instanceof z.ZodMiniArray ? at.def.element : at instanceof z.ZodMiniObject ? at.shape[String(key)] : undefined;
  }
  return at instanceof z.ZodMiniObject ? Object.keys(at.shape) : [];
}
