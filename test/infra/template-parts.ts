import { ofType, type Template } from "./synthesized.ts";

/** What tests look for in templates. */

/** Of a function that begins by a stream: what begins it. */
export const mappingOf = (template: Template, lambda: string) =>
  ofFunction(template, "AWS::Lambda::EventSourceMapping", lambda);

/** Of a function that is invoked asynchronously: what becomes of what fails. */
export const invokeConfigOf = (template: Template, lambda: string) =>
  ofFunction(template, "AWS::Lambda::EventInvokeConfig", lambda);

function ofFunction(template: Template, type: string, lambda: string) {
  const found = ofType(template, type).filter(({ Properties }) =>
    JSON.stringify(Properties.FunctionName).includes(`${lambda}Function`),
  );
  if (found.length !== 1) throw new Error(`${lambda} has ${found.length} of ${type}`);
  return found[0]!.Properties;
}

export interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

export function statementsOf(template: Template, lambda: string): Statement[] {
  return ofType(template, "AWS::IAM::Policy")
    .filter(({ Properties }) => Properties.PolicyName.startsWith(lambda))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement as Statement[]);
}

/** References to the account filled in. */
export const filled = (value: unknown) =>
  JSON.stringify(value).replaceAll(
    /\{"Fn::Join":\["",\[((?:"[^"]*"|\{"Ref":"AWS::AccountId"\}|,)*)\]\]\}/g,
    (_, parts: string) =>
      JSON.stringify(
        (JSON.parse(`[${parts}]`) as unknown[])
          .map((part) => (typeof part === "string" ? part : "123456789012"))
          .join(""),
      ),
  );
