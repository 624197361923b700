/** `npm run bench -- [NAME ...]`: all questions, or those named. */
const QUESTIONS = [
  "codec",
  "append-requests",
  "write-units",
  "environments",
  "latency",
  "replication",
  "failover",
  "lambda-bundle",
  "cold-start",
  "dollars",
  "cold-read",
  "retention-dollars",
  "upkeep-cost",
  "consumer-cost",
  "assignment",
];

const asked = process.argv.slice(2);
const unknown = asked.filter((name) => !QUESTIONS.includes(name));
if (unknown.length > 0) throw new Error(`no such bench: ${unknown.join(", ")}; there are ${QUESTIONS.join(", ")}`);
for (const name of asked.length > 0 ? asked : QUESTIONS) {
  const { run } = (await import(`./${name}.ts`)) as { run: () => Promise<void> };
  await run();
}
