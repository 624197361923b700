import { pathToFileURL } from "node:url";
import { brotliCompressSync } from "node:zlib";
import type { Plugin } from "esbuild";

/**
 * Makes the OpenAPI document when a function is bundled, not in the function: what makes it there, zod's JSON Schema above
 * all, is three times as large, and every start would read it.
 */
export const openApiDocumentMade: Plugin = {
  name: "openapi-document-made",
  setup(build) {
    build.onLoad({ filter: /[/\\]shared[/\\]http[/\\]openapi\.ts$/ }, async ({ path }) => {
      const { openApiDocument } = (await import(pathToFileURL(path).href)) as { openApiDocument: () => unknown };
      const document = brotliCompressSync(JSON.stringify(openApiDocument()));
      return { contents: moduleOf(document.toString("base64")), loader: "js" };
    });
  },
};

/** `servers` stays in its place: it is there already. */
const moduleOf = (document: string) => `
  export function openApiDocument(serverUrl = "/") {
    const { brotliDecompressSync } = process.getBuiltinModule("node:zlib");
    const text = brotliDecompressSync(Buffer.from("${document}", "base64")).toString();
    return { ...JSON.parse(text), servers: [{ url: serverUrl }] };
  }`;
