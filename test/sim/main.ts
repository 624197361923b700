import { parseArgs } from "node:util";
import { PLANTED_BUGS } from "./planted-bugs.ts";
import { simulate } from "./simulation.ts";

/** `npm run sim -- [--seed N] [--seeds COUNT] [--steps M] [--bug NAME] [--trace]`: failures print their seed. */
const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    steps: { type: "string", default: "30" },
    bug: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const bug = values.bug === undefined ? undefined : PLANTED_BUGS[values.bug];
if (values.bug !== undefined && bug === undefined) {
  throw new Error(`no such bug: ${values.bug}; there are: ${Object.keys(PLANTED_BUGS).join("; ")}`);
}
let failures = 0;
const first = Number(values.seed);
for (let seed = first; seed < first + Number(values.seeds); seed++) {
  const { broken, acknowledged, unknown, seen, traceHash, trace } = await simulate(seed, Number(values.steps), bug);
  if (values.trace) console.log(trace.join("\n"));
  console.log(
    `seed ${seed}: ${acknowledged} acknowledged, ${unknown} unknown, ${seen} seen, trace ${traceHash.slice(0, 12)}${broken.length === 0 ? "" : " BROKEN"}`,
  );
  for (const what of broken.slice(0, 10)) console.log(`  ${what}`);
  if (broken.length > 0) failures++;
}
console.log(`${Number(values.seeds) - failures} passed, ${failures} failed`);
process.exitCode = failures === 0 ? 0 : 1;
