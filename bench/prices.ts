/**
 * List prices of us-east-1 in US dollars, free tiers left out. Look again before you decide by them: AWS's pages print their
 * numbers by script, and what stands here was read from others who quote them. Seen: the newest such reading, in 2026 unless
 * told.
 *
 * | | seen | |
 * | --- | --- | --- |
 * | DynamoDB on demand | price list of 11 September; recovery 6 September | https://aws.amazon.com/dynamodb/pricing/on-demand/ |
 * | S3 Standard | 4 October | https://aws.amazon.com/s3/pricing/ |
 * | Lambda on arm64 | price list of 19 September | https://aws.amazon.com/lambda/pricing/ |
 * | API Gateway, REST | price list of 21 September; tiers after the first July 2024 | https://aws.amazon.com/api-gateway/pricing/ |
 * | CloudWatch | 5 May; alarms 1 August | https://aws.amazon.com/cloudwatch/pricing/ |
 * | data out | first tier 2026, the others September 2024 | https://aws.amazon.com/ec2/pricing/on-demand/ |
 * | Kinesis Data Streams | 8 August | https://aws.amazon.com/kinesis/data-streams/pricing/ |
 * | Kinesis, beyond seven days | by third parties only | https://aws.amazon.com/kinesis/data-streams/pricing/ |
 * | EBS gp3 | 2026, by third parties | https://aws.amazon.com/ebs/pricing/ |
 * | data between zones and regions | 2026, by third parties | https://aws.amazon.com/ec2/pricing/on-demand/ |
 * | MSK Serverless | 2026, by third parties only | https://aws.amazon.com/msk/pricing/ |
 */
export const PRICES = {
  dynamoDbWriteUnit: 0.625 / 1e6,
  dynamoDbReadUnit: 0.125 / 1e6,
  dynamoDbGbMonth: 0.25,
  /** By the table's size, however far back. */
  dynamoDbRecoveryGbMonth: 0.2,
  s3Put: 5 / 1e6,
  s3Get: 0.4 / 1e6,
  s3GbMonth: 0.023,
  lambdaRequest: 0.2 / 1e6,
  lambdaGbSecond: 0.0000133334,
  logGbIn: 0.5,
  logGbMonth: 0.03,
  /** For each month, by the hour: in hours without data nothing. */
  customMetricMonth: 0.3,
  alarmMonth: 0.1,
  dashboardMonth: 3,
  kinesisGbIn: 0.08,
  kinesisGbOut: 0.04,
  kinesisStreamHour: 0.04,
  /** Beyond the first day, which is included. */
  kinesisGbMonth: 0.1,
  /** Beyond the seventh. */
  kinesisLongTermGbMonth: 0.023,
  /** On-demand Advantage: no stream hour, and 25 MiB/s each way are billed whether they flow or not. */
  kinesisAdvantageGbIn: 0.032,
  kinesisAdvantageGbOut: 0.016,
  kinesisAdvantageGbMonth: 0.023,
  kinesisAdvantageLeastBytesPerSecond: 25 * 2 ** 20,
  ebsGbMonth: 0.08,
  /** Both ways together. */
  betweenZonesGb: 0.02,
  /** From us-east-1 to a region other than us-east-2. */
  betweenRegionsGb: 0.02,
  mskServerlessClusterHour: 0.75,
  mskServerlessPartitionHour: 0.0015,
  mskServerlessGbIn: 0.1,
  mskServerlessGbOut: 0.05,
  mskServerlessGbMonth: 0.1,
} as const;

/** So many units at this price, then so many at the next. */
export type Tiers = readonly (readonly [units: number, price: number])[];

/** REST APIs: requests of a month, whatever their size. */
export const API_GATEWAY_REQUESTS: Tiers = [
  [333e6, 3.5 / 1e6],
  [667e6, 2.8 / 1e6],
  [19_000e6, 2.38 / 1e6],
  [Number.POSITIVE_INFINITY, 1.51 / 1e6],
];

/** GB that leave for the internet in a month: answers to clients that are not in the region. */
export const DATA_OUT_GB: Tiers = [
  [10 * 1024, 0.09],
  [40 * 1024, 0.085],
  [100 * 1024, 0.07],
  [Number.POSITIVE_INFINITY, 0.05],
];

export function tiered(units: number, tiers: Tiers): number {
  let [rest, dollars] = [units, 0];
  for (const [size, price] of tiers) {
    const taken = Math.min(rest, size);
    dollars += taken * price;
    rest -= taken;
  }
  return dollars;
}
