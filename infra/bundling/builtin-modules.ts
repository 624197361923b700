import { builtinModules } from "node:module";
import type { Plugin } from "esbuild";

/**
 * Takes node's own modules from `process.getBuiltinModule`. An `import` of one reads every export that it has, the lazy ones
 * too: of node:http these are WebSocket and its events, and with them all of undici comes in, some 17 ms of a cold start.
 * https://nodejs.org/api/process.html#processgetbuiltinmoduleid
 */
export const builtinModulesByProcess: Plugin = {
  name: "builtin-modules-by-process",
  setup(build) {
    const names = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]));
    build.onResolve({ filter: /^[a-z_:/0-9]+$/ }, ({ path, kind }) => {
      if (!names.has(path)) return undefined;
      const namespace = kind === "import-statement" ? "builtin-by-name" : "builtin";
      return { path: path.replace(/^(node:)?/, "node:"), namespace, sideEffects: false };
    });
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = ${got(path)};`,
    }));
    build.onLoad({ filter: /.*/, namespace: "builtin-by-name" }, ({ path }) => ({ contents: namedExports(path) }));
  },
};

const got = (path: string) => `process.getBuiltinModule(${JSON.stringify(path)})`;

/** Each export is read by itself, so that those which nobody uses are left out, and the module with its last one. */
function namedExports(path: string): string {
  const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => /^[a-z_]\w*$/i.test(name));
  const exported = names.filter((name) => name !== "default");
  return [
    `const builtin = /* @__PURE__ */ ${got(path)};`,
    "export default builtin;",
    ...exported.map(
      (name) => `const $${name} = /* @__PURE__ */ (() => builtin.${name})();\nexport { $${name} as ${name} };`,
    ),
  ].join("\n");
}
