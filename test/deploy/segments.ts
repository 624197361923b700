import { ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { functionConfiguration } from "./control-plane.ts";
import { type Deployment, ENDPOINT, REGION } from "./deployment.ts";
import { ROOT } from "./request.ts";

/** Keys of the objects below a prefix, in the bucket that the functions were told. */
export async function objectsUnder({ name }: Deployment, prefix: string): Promise<string[]> {
  const { Environment } = await functionConfiguration(`${name}-produce`);
  const Bucket = new URL(Environment.Variables["MILLRACE_SEGMENTS"]!).hostname;
  const client = new S3Client({ endpoint: ENDPOINT.href, forcePathStyle: true, region: REGION, credentials: ROOT });
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: prefix }));
  return Contents.map(({ Key }) => Key!);
}
