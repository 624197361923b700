/**
 * List prices of us-east-1 in US dollars, and when they were last seen. Look again before you decide by them.
 *
 * - DynamoDB on demand: since November 2024, seen July 2025. https://aws.amazon.com/dynamodb/pricing/on-demand/
 * - Kinesis Data Streams on demand: seen September 2023. https://aws.amazon.com/kinesis/data-streams/pricing/
 * - S3 standard, Lambda on arm64, API Gateway REST, MSK Serverless: as known in 2025, not looked up again.
 *   https://aws.amazon.com/s3/pricing/ https://aws.amazon.com/lambda/pricing/
 *   https://aws.amazon.com/api-gateway/pricing/ https://aws.amazon.com/msk/pricing/
 */
export const PRICES = {
  dynamoDbWriteUnit: 0.625 / 1e6,
  dynamoDbReadUnit: 0.125 / 1e6,
  s3Put: 5 / 1e6,
  s3Get: 0.4 / 1e6,
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  apiGatewayRequest: 3.5 / 1e6,
  kinesisGbIn: 0.08,
  kinesisGbOut: 0.04,
  kinesisStreamHour: 0.04,
  mskServerlessClusterHour: 0.75,
  mskServerlessPartitionHour: 0.0015,
  mskServerlessGbIn: 0.1,
  mskServerlessGbOut: 0.05,
} as const;
