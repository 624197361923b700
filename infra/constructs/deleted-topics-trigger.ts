import { Duration } from "aws-cdk-lib";
import {
  EventSourceMapping,
  FilterCriteria,
  FilterRule,
  type IFunction,
  StartingPosition,
} from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { DELETED_TOPIC_KIND, METADATA_TABLE } from "../../shared/storage/dynamodb/table-schema.ts";

/** Lambda's longest. Most deleted topics' minute is over by then, and those of five minutes make one run. */
const WINDOW = Duration.minutes(5);
/** As long as a stream keeps its records: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html */
const MAX_AGE = Duration.hours(24);
/** A run that ends at once, again and again, is paid for no more than so often. */
const MAX_RETRIES = 1_000;
const MAX_RECORDS = 1_000;

/**
 * Begins maintenance when a topic is deleted, by the metadata's stream. Lambda reads a table's stream for nothing, and
 * what the filter leaves out invokes nothing; so nothing is billed before a topic is deleted. A run that fails, or does not
 * get done, is repeated for a day, and what is left then goes with the run for the next deleted topic.
 */
export class DeletedTopicsTrigger extends Construct {
  constructor(scope: Construct, id: string, target: IFunction, streamArn: string) {
    super(scope, id);
    new EventSourceMapping(this, "Mapping", {
      target,
      eventSourceArn: streamArn,
      // Those deleted while a deployment makes the mapping anew count too.
      startingPosition: StartingPosition.TRIM_HORIZON,
      filters: [
        FilterCriteria.filter({
          eventName: FilterRule.isEqual("INSERT"),
          dynamodb: { Keys: { [METADATA_TABLE.partitionKey.name]: { S: FilterRule.isEqual(DELETED_TOPIC_KIND) } } },
        }),
      ],
      batchSize: MAX_RECORDS,
      maxBatchingWindow: WINDOW,
      parallelizationFactor: 1,
      maxRecordAge: MAX_AGE,
      retryAttempts: MAX_RETRIES,
      reportBatchItemFailures: true,
    });
  }
}
