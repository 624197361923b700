import { z } from "zod";
import { badRequest } from "../http-error.ts";
import { nearestName } from "./nearest-name.ts";

/** The value in its schema's type. Errors: 400 that names the first field that is wrong, and the nearest known name. */
export function check<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
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
function namesAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at: unknown = schema;
  for (const key of [...path, undefined]) {
    while (at instanceof z.ZodOptional || at instanceof z.ZodNullable) at = at.unwrap();
    if (key === undefined) break;
    at = at instanceof z.ZodArray ? at.element : at instanceof z.ZodObject ? at.shape[String(key)] : undefined;
  }
  return at instanceof z.ZodObject ? Object.keys(at.shape) : [];
}
