import { readFileSync } from "node:fs";
import { PutBucketTaggingCommand, S3Client } from "@aws-sdk/client-s3";
import { dataNames } from "../../infra/resource-names.ts";
import type { Settings } from "../../infra/settings.ts";
import { ENDPOINT } from "./deployment.ts";
import { ROOT } from "./request.ts";

/**
 * Gives the buckets of a deployment the tag that CDK's template gives them. MiniStack's CloudFormation drops a bucket's tags,
 * and CDK's custom resource, which empties the bucket when its stack goes, fails without it.
 */
const [settingsFile = "", account = ""] = process.argv.slice(2);
const settings = JSON.parse(readFileSync(settingsFile, "utf8")) as Settings;
const Tagging = { TagSet: [{ Key: "aws-cdk:auto-delete-objects", Value: "true" }] };
for (const region of settings.regions) {
  const { bucket } = dataNames(settings, account, region);
  const client = new S3Client({ endpoint: ENDPOINT.href, forcePathStyle: true, region, credentials: ROOT });
  try {
    await client.send(new PutBucketTaggingCommand({ Bucket: bucket, Tagging }));
  } catch (error) {
    if ((error as Error).name !== "NoSuchBucket") throw error;
    console.log(`there is no bucket ${bucket}`);
  }
}
