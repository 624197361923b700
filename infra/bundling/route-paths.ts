import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

/** As shared/http/route-paths.ts has it. */
interface RoutePath {
  readonly operationId: string;
  readonly method: string;
  readonly path: string;
  readonly lambda: string;
}

/** What most paths begin with. */
const CLUSTER = "/v3/clusters/{cluster_id}";

/** Makes the list of all routes' paths when a function is bundled: the routes themselves, but for its own, stay out of it. */
export const routePathsMade: Plugin = {
  name: "route-paths-made",
  setup(build) {
    build.onLoad({ filter: /[/\\]shared[/\\]http[/\\]route-paths\.ts$/ }, async ({ path }) => {
      const { ROUTE_PATHS } = (await import(pathToFileURL(path).href)) as { ROUTE_PATHS: readonly RoutePath[] };
      return { contents: moduleOf(ROUTE_PATHS), loader: "js" };
    });
  },
};

/** As short as may be, since every function has it: `~` for what most paths begin with. */
function moduleOf(paths: readonly RoutePath[]): string {
  const rows = paths.map(({ operationId, method, path, lambda }) => {
    const short = path.startsWith(CLUSTER) ? `~${path.slice(CLUSTER.length)}` : path;
    return [operationId, method, short, lambda].join(" ");
  });
  return `
    export const ROUTE_PATHS = ${JSON.stringify(rows.join("\n"))}.split("\\n").map((row) => {
      const [operationId, method, path, lambda] = row.split(" ");
      return { operationId, method, path: path.replace("~", ${JSON.stringify(CLUSTER)}), lambda };
    });`;
}
