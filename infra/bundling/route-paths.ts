import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";

/** Makes the list of all routes' paths when a function is bundled: the routes themselves, but for its own, stay out of it. */
export const routePathsMade: Plugin = {
  name: "route-paths-made",
  setup(build) {
    build.onLoad({ filter: /[/\\]shared[/\\]http[/\\]route-paths\.ts$/ }, async ({ path }) => {
      const { ROUTE_PATHS } = (await import(pathToFileURL(path).href)) as { ROUTE_PATHS: unknown };
      return { contents: `export const ROUTE_PATHS = ${JSON.stringify(ROUTE_PATHS)};`, loader: "js" };
    });
  },
};
