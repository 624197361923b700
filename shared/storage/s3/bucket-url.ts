/**
 * Where a bucket is: by host name where its name allows it, by path otherwise.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 *
 * Ordinary buckets in the region's partition, and emulators: no access points, no directory buckets, no dual stack or FIPS.
 * Errors: an Error for a region whose hosts end otherwise, rather than a request to a wrong place.
 */
export function bucketUrl(
  bucket: string,
  region: string,
  { endpoint, isPathStyle = false }: { readonly endpoint?: URL | undefined; readonly isPathStyle?: boolean },
): URL {
  if (endpoint === undefined && !REGION.test(region)) throw new Error(`no endpoint of S3 is known in region ${region}`);
  const url = new URL(endpoint ?? `https://s3.${region}.amazonaws.com`);
  if (!isPathStyle && HOST_LABEL.test(bucket) && !IP_ADDRESS.test(url.hostname)) url.host = `${bucket}.${url.host}`;
  else url.pathname = `${url.pathname.replace(/\/$/, "")}/${bucket}`;
  return url;
}

/** Of the partitions aws and aws-us-gov. */
const REGION = /^(?!cn-|us-iso|eu-isoe)[a-z]{2}(-[a-z]+)+-\d$/;
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/;
const IP_ADDRESS = /^(\d+\.){3}\d+$|^\[/;
