import type { Settings } from "./settings.ts";

/** One for all regions, or one for each by its region's name. */
export type Regional<T> = T | Readonly<Record<string, T>>;

/** A KMS key with copies in several regions: the same id in each. https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html */
const MULTI_REGION_KEY = /:key\/mrk-/;

/** Whether logs have followers: the regions replicate to each other, elect leaders and keep leases. */
export function isReplicated({ regions }: Settings): boolean {
  return regions.length > 1;
}

/** What stands in a setting for one region. */
export function inRegion(value: Regional<string>, region: string): string;
export function inRegion(value: Regional<string> | undefined, region: string): string | undefined;
export function inRegion(value: Regional<string> | undefined, region: string): string | undefined {
  if (typeof value === "object") return value[region];
  return value !== undefined && MULTI_REGION_KEY.test(value) ? withRegion(value, region) : value;
}

/** A host name of one's own in one region: `{region}` in it is the region's name. */
export function hostIn(name: string, region: string): string {
  return name.replaceAll("{region}", region);
}

/** What is wrong with an ARN, or one for each region, beside the regions of the deployment. */
export function regionalProblems(
  what: string,
  value: Regional<string> | undefined,
  regions: readonly string[],
): string[] {
  if (value === undefined) return [];
  if (typeof value === "string") {
    const place = regionOf(value);
    if (!regions.includes(place)) return [`${what}: is in ${place}, the deployment is in ${regions.join(", ")}`];
    if (regions.length === 1 || MULTI_REGION_KEY.test(value)) return [];
    const form = regions.map((region) => `"${region}":"…"`).join(",");
    return [`${what}: is of ${place} alone; give one for each region: {${form}}`];
  }
  return [
    ...Object.keys(value).flatMap((region) =>
      regions.includes(region) ? [] : [`${what}.${region}: is none of regions`],
    ),
    ...regions.flatMap((region) => {
      const arn = value[region];
      if (arn === undefined) return [`${what}: has none for ${region}`];
      return regionOf(arn) === region ? [] : [`${what}.${region}: is in ${regionOf(arn)}`];
    }),
  ];
}

function regionOf(arn: string): string {
  return arn.split(":")[3]!;
}

function withRegion(arn: string, region: string): string {
  const parts = arn.split(":");
  parts[3] = region;
  return parts.join(":");
}
