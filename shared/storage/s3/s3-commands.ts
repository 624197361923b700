/**
 * What is used of S3's SDK, and no more: a bundler cannot tell what a namespace that is loaded at run time is used for,
 * and takes all of it, some 90 KB more. Loaded by s3-segment-store.ts at its first use.
 */
export {
  CreateBucketCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
