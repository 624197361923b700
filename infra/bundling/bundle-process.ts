import { type BuildFailure, formatMessages } from "esbuild";
import { buildBundle } from "./build-bundle.ts";

/** Bundles the entry named by its argument and writes the files to stdout as JSON, their contents in base64. */
try {
  const files = await buildBundle(process.argv[2]!);
  const encoded = files.map((file) => ({ ...file, contents: Buffer.from(file.contents).toString("base64") }));
  process.stdout.write(JSON.stringify(encoded));
} catch (error) {
  const { errors } = error as BuildFailure;
  if (!Array.isArray(errors)) throw error;
  process.stderr.write((await formatMessages(errors, { kind: "error" })).join(""));
  process.exitCode = 1;
}
