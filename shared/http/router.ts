import { HttpError } from "./http-error.ts";
import { ROUTE_PATHS, type RoutePath } from "./route-paths.ts";

/** Confluent's path of the same API within Confluent Server. */
const ALIAS = "/kafka";

export interface Match {
  readonly route: RoutePath;
  readonly params: Readonly<Record<string, string>>;
  /** `/kafka` if the request came under it. */
  readonly prefix: string;
}

interface CompiledRoute {
  readonly route: RoutePath;
  readonly pattern: RegExp;
  readonly names: readonly string[];
  /** Parts of the path between slashes: a path of another number needs no look. */
  readonly parts: number;
}

const COMPILED: readonly CompiledRoute[] = ROUTE_PATHS.map(compile)
  // A path that is told by name comes before one with a parameter in its place: /topics/-/configs.
  .toSorted((one, other) => one.names.length - other.names.length);

function compile(route: RoutePath): CompiledRoute {
  const names = [...route.path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!);
  const literals = route.path.split(/\{\w+\}/).map((literal) => literal.replace(/[.*+?()|[\]\\^$]/g, "\\$&"));
  const pattern = new RegExp(`^${literals.join("([^/]+?)")}$`);
  return { route, names, pattern, parts: route.path.split("/").length };
}

/** The route of a request. Errors: 404; 405 with the methods that the path has; 400 for a path that does not decode. */
export function match(method: string, path: string): Match {
  const isAlias = path.startsWith(`${ALIAS}/v3`);
  const unprefixed = isAlias ? path.slice(ALIAS.length) : path;
  // Some clients encode the colon of records:batch; API Gateway hands paths over as they came.
  const plain = unprefixed.replace(/(?<=.)\/$/, "").replaceAll(/%3a/gi, ":");
  const asked = method === "HEAD" ? "GET" : method;
  const allowed = new Set<string>();
  const parts = plain.split("/").length;
  for (const { route, pattern, names, parts: wanted } of COMPILED) {
    const found = parts === wanted ? pattern.exec(plain) : null;
    if (found === null) continue;
    allowed.add(route.method);
    if (route.method !== asked) continue;
    const params = Object.fromEntries(names.map((name, index) => [name, decode(found[index + 1]!)]));
    return { route, params, prefix: isAlias ? ALIAS : "" };
  }
  if (allowed.size === 0) throw new HttpError(404, 404, "HTTP 404 Not Found", "GET /openapi.json lists all routes");
  if (allowed.has("GET")) allowed.add("HEAD");
  throw new MethodNotAllowed([...allowed.add("OPTIONS")]);
}

/** Carries the methods that the path does have, for the Allow header. */
export class MethodNotAllowed extends HttpError {
  readonly allowed: readonly string[];

  constructor(allowed: readonly string[]) {
    super(405, 405, "HTTP 405 Method Not Allowed", `allowed: ${allowed.join(", ")}`);
    this.allowed = allowed;
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 400, "the path is not percent-encoded UTF-8");
  }
}
