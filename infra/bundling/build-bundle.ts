import { basename, join } from "node:path";
import { build, type Metafile } from "esbuild";
import { builtinModulesByProcess } from "./builtin-modules.ts";
import type { BundledFile } from "./bundled-file.ts";
import { openApiDocumentMade } from "./openapi-document.ts";
import { routePathsMade } from "./route-paths.ts";
import { sdkTrimming } from "./sdk-trimming.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Bundles an entry module, by its path from the root of the sources: `handler.mjs` first, behind it the files that it loads
 * at its start or later. The same sources make the same bytes, wherever they lie. Errors: esbuild's BuildFailure.
 */
export async function buildBundle(entry: string): Promise<readonly BundledFile[]> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { handler: entry },
    outdir: "bundle",
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // ES modules: what is not used of them can be left out.
    mainFields: ["module", "main"],
    // Notices that a licence asks to be kept stay, at the end of the file.
    legalComments: "eof",
    plugins: [builtinModulesByProcess, openApiDocumentMade, routePathsMade, sdkTrimming],
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const contents = new Map(outputFiles.map((file) => [basename(file.path), file.contents]));
  return reached(metafile).map((path) => {
    const sources = Object.entries(metafile.outputs[path]!.inputs).map(([source, part]) => [
      source,
      part.bytesInOutput,
    ]);
    return { name: basename(path), contents: contents.get(basename(path))!, sources: Object.fromEntries(sources) };
  });
}

/**
 * The outputs that the entry leads to. esbuild also writes what only code that it left out would have loaded: bowser, which
 * the SDK loads in browsers.
 */
function reached({ outputs }: Metafile): string[] {
  const found = new Set<string>();
  const queue = Object.keys(outputs).filter((path) => basename(path) === "handler.mjs");
  for (const path of queue) {
    if (found.has(path)) continue;
    found.add(path);
    queue.push(...outputs[path]!.imports.map((imported) => imported.path).filter((imported) => imported in outputs));
  }
  return [...found];
}
