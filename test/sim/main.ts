import { parseArgs } from "node:util";
import { simulateGroups } from "./groups.ts";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { PLANTED_GROUP_BUGS, PLANTED_REGION_GROUP_BUGS } from "./planted-group-bugs.ts";
import { PLANTED_REPLICATION_BUGS } from "./planted-replication-bugs.ts";
import { REGIONS, simulateReplication } from "./replicated.ts";
import { simulate } from "./simulation.ts";

/** `npm run sim -- [--replicas 3] [--groups] [--seed N] [--seeds COUNT] [--steps M] [--bug NAME] [--unclean] [--trace]`: failures print their seed. */
const { values } = parseArgs({
  options: {
    replicas: { type: "string", default: "1" },
    groups: { type: "boolean", default: false },
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string" },
    bug: { type: "string" },
    unclean: { type: "boolean", default: false },
    trace: { type: "boolean", default: false },
  },
});
const isReplicated = values.replicas === String(REGIONS.length);
if (!isReplicated && values.replicas !== "1") {
  throw new Error(`${values.replicas} replicas are not simulated: 1 or ${REGIONS.length}`);
}
const groupBugs = isReplicated ? { ...PLANTED_GROUP_BUGS, ...PLANTED_REGION_GROUP_BUGS } : PLANTED_GROUP_BUGS;
const bugs = values.groups ? groupBugs : isReplicated ? PLANTED_REPLICATION_BUGS : PLANTED_BUGS;
if (values.bug !== undefined && bugs[values.bug] === undefined) {
  throw new Error(`no such bug: ${values.bug}; there are: ${Object.keys(bugs).join("; ")}`);
}
const { bug = "" } = values;
const steps = Number(values.steps ?? (values.groups ? 40 : isReplicated ? 12 : 30));

interface Run {
  readonly broken: readonly string[];
  readonly trace: readonly string[];
  readonly traceHash: string;
  readonly seen: string;
}

async function run(seed: number): Promise<Run> {
  if (values.groups) {
    const outcome = await simulateGroups(seed, steps, groupBugs[bug], isReplicated ? REGIONS.length : 1);
    const { answers, unanswered, commits, fenced, removed, processed } = outcome.counts;
    const seen = `${answers} answers, ${unanswered} lost, ${processed} processed, ${commits} commits, ${fenced} fenced, ${removed} members gone`;
    return { ...outcome, seen };
  }
  const outcome = isReplicated
    ? await simulateReplication(seed, steps, PLANTED_REPLICATION_BUGS[bug], values.unclean)
    : await simulate(seed, steps, PLANTED_BUGS[bug]);
  const { acknowledged, unknown, seen } = outcome;
  return { ...outcome, seen: `${acknowledged} acknowledged, ${unknown} unknown, ${seen} seen` };
}

let failures = 0;
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const { broken, seen, traceHash, trace } = await run(seed);
  if (values.trace) console.log(trace.join("\n"));
  console.log(`seed ${seed}: ${seen}, trace ${traceHash.slice(0, 12)}${broken.length === 0 ? "" : " BROKEN"}`);
  for (const what of broken.slice(0, 10)) console.log(`  ${what}`);
  if (broken.length > 0) failures++;
}
console.log(`${Number(values.seeds) - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
