import { z } from "zod";
import { badRequest } from "../http-error.ts";

/** The value in its schema's type. Errors: 400 that names the first field that is wrong, and the nearest known name. */
export function check<S extends z.ZodType>(schema: S, value: unknown, what: string): z.output<S> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  const path = issue.path.join(".");
  if (issue.code === "unrecognized_keys") {
    const known = schema instanceof z.ZodObject && issue.path.length === 0 ? Object.keys(schema.shape) : [];
    const hint = known.length === 0 ? undefined : `known are: ${known.join(", ")}`;
    throw badRequest(`unknown ${what}: ${issue.keys.slice(0, 5).join(", ").slice(0, 200)}`, hint);
  }
  throw badRequest(`${what}${path === "" ? "" : ` ${path}`}: ${issue.message}`);
}
