import { parseArgs } from "node:util";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { PLANTED_REPLICATION_BUGS } from "./planted-replication-bugs.ts";
import { REGIONS, simulateReplication } from "./replicated.ts";
import { simulate } from "./simulation.ts";

/** `npm run sim -- [--replicas 3] [--seed N] [--seeds COUNT] [--steps M] [--bug NAME] [--trace]`: failures print their seed. */
const { values } = parseArgs({
  options: {
    replicas: { type: "string", default: "1" },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string" },
    bug: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const isReplicated = values.replicas === String(REGIONS.length);
if (!isReplicated && values.replicas !== "1") {
  throw new Error(`${values.replicas} replicas are not simulated: 1 or ${REGIONS.length}`);
}
const bugs = isReplicated ? PLANTED_REPLICATION_BUGS : PLANTED_BUGS;
if (values.bug !== undefined && bugs[values.bug] === undefined) {
  throw new Error(`no such bug: ${values.bug}; there are: ${Object.keys(bugs).join("; ")}`);
}
const { bug = "" } = values;
const steps = Number(values.steps ?? (isReplicated ? 12 : 30));
const run = (seed: number) =>
  isReplicated
    ? simulateReplication(seed, steps, PLANTED_REPLICATION_BUGS[bug])
    : simulate(seed, steps, PLANTED_BUGS[bug]);
let failures = 0;
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const { broken, acknowledged, unknown, seen, traceHash, trace } = await run(seed);
  if (values.trace) console.log(trace.join("\n"));
  console.log(
    `seed ${seed}: ${acknowledged} acknowledged, ${unknown} unknown, ${seen} seen, trace ${traceHash.slice(0, 12)}${broken.length === 0 ? "" : " BROKEN"}`,
  );
  for (const what of broken.slice(0, 10)) console.log(`  ${what}`);
  if (broken.length > 0) failures++;
}
console.log(`${Number(values.seeds) - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
