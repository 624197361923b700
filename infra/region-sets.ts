/**
 * Regions that a global table with strong consistency may span: within one of these sets, three in all, of which one may be a
 * witness that nobody reads or writes. https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
 */
const REGION_SETS: readonly (readonly string[])[] = [
  ["us-east-1", "us-east-2", "us-west-2"],
  ["eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1"],
  ["ap-northeast-1", "ap-northeast-2", "ap-northeast-3"],
];

/** What is wrong with a deployment's regions beside each other, and what to do; each is a region by itself. */
export function regionSetProblems(regions: readonly string[], witnessRegion: string | undefined): string[] {
  const twice = regions.filter((region, index) => regions.indexOf(region) < index);
  if (twice.length > 0) return [`regions: ${twice[0]} is named twice`];
  if (regions.length === 1) {
    return witnessRegion === undefined ? [] : ["witnessRegion: goes with two regions; one needs none"];
  }
  if (regions.length > 3) return ["regions: one, two with a witnessRegion, or three; the metadata span no more"];
  if (regions.length === 3 && witnessRegion !== undefined) {
    return ["witnessRegion: goes with two regions; three need none"];
  }
  const all = witnessRegion === undefined ? regions : [...regions, witnessRegion];
  const set = REGION_SETS.find((known) => all.every((region) => known.includes(region)));
  if (set === undefined) {
    const sets = REGION_SETS.map((known) => known.join(", ")).join("; or ");
    return [`regions: DynamoDB's strong consistency holds within ${sets}: ${all.join(", ")} are not in one of these`];
  }
  if (regions.length === 3) return [];
  const free = set.filter((region) => !regions.includes(region)).join(" or ");
  if (witnessRegion === undefined) {
    return [`witnessRegion: two regions need one more, in which the metadata have a witness: ${free}`];
  }
  return regions.includes(witnessRegion) ? [`witnessRegion: must be another one than the regions: ${free}`] : [];
}
