/** `npm run bench -- [NAME ...]`: all questions, or those named. */
const QUESTIONS = [
  "codec",
  "append-requests",
  "write-units",
  "environments",
  "latency",
  "lambda-bundle",
  "cold-start",
  "dollars",
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !QUESTIONS.includes(name));
if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(", ")}; there are ${QUESTIONS.join(", ")}`);
for (const name of asked.length > 0 ? asked : QUESTIONS) {
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<void> };
  await run();
}
