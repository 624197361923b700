import { Validations } from "aws-cdk-lib";
import type { IConstruct } from "constructs";

/** Says why findings of cdk-nag's AwsSolutions pack stand as they are: by the finding's id, for a construct and what is below it. */
export function acknowledge(construct: IConstruct, reasons: Readonly<Record<string, string>>): void {
  Validations.of(construct).acknowledge(...Object.entries(reasons).map(([id, reason]) => ({ id, reason })));
}
