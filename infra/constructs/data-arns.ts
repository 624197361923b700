import type { Stack } from "aws-cdk-lib";
import { StringParameter } from "aws-cdk-lib/aws-ssm";
import { inRegion, isReplicated } from "../regional.ts";
import { type StreamedTable, serviceNames, streamParameter } from "../resource-names.ts";
import type { Settings } from "../settings.ts";
import type { DataArns } from "./permissions.ts";

/** The ARNs of what a region's functions act on. Names are given, so that they are known in every region. */
export function dataArns(stack: Stack, settings: Settings): DataArns {
  const { regions, encryptionKeyArn } = settings;
  const names = (region: string) => serviceNames(settings, stack.account, region);
  const table = (region: string, resourceName: string) =>
    stack.formatArn({ service: "dynamodb", resource: "table", region, resourceName });
  const keys = regions.flatMap((region) => inRegion(encryptionKeyArn, region) ?? []);
  return {
    logTables: regions.map((region) => table(region, names(region).logTable)),
    metadataTable: table(stack.region, names(stack.region).metadataTable),
    groupTables: regions.map((region) => table(region, names(region).groupTable)),
    buckets: regions.map((region) =>
      stack.formatArn({ service: "s3", region: "", account: "", resource: names(region).bucket }),
    ),
    keys: [...new Set(keys)],
    stream: streamArn(stack, settings, isReplicated(settings) ? "log" : "metadata"),
    groupStream: streamArn(stack, settings, "group"),
    isReplicated: isReplicated(settings),
  };
}

/** As the data stack tells it, looked up with every deployment, or that of a restored table's. */
function streamArn(stack: Stack, settings: Settings, table: StreamedTable): string {
  const { metadataStreamArn: metadata, groupStreamArn: group } = settings.restored;
  const restored = { metadata, group, log: undefined }[table];
  return restored ?? StringParameter.valueForStringParameter(stack, streamParameter(settings, table));
}
