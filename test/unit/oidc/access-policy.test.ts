import { describe, expect, it } from "vitest";
import { allowPolicy, denyPolicy } from "../../../lambdas/authorizer/access-policy.ts";

const ALICE = { issuer: "https://a.example", subject: "alice" };
const STAGE = "arn:aws-us-gov:execute-api:us-gov-west-1:123456789012:abcdef1234/v1";

describe("an access policy", () => {
  it("is about the whole stage, from the ARN of any method of it", () => {
    for (const method of ["GET/", "GET/v3/clusters", "POST/topics/a/b:c", "HEAD/{proxy+}"]) {
      expect(allowPolicy(ALICE, `${STAGE}/${method}`, ["all"]).policyDocument.Statement).toEqual([
        { Action: "execute-api:Invoke", Effect: "Allow", Resource: [`${STAGE}/*`] },
      ]);
      expect(denyPolicy(ALICE, `${STAGE}/${method}`).policyDocument.Statement).toEqual([
        { Action: "execute-api:Invoke", Effect: "Deny", Resource: [`${STAGE}/*`] },
      ]);
    }
  });

  it("is not made for what is no method's ARN", () => {
    for (const arn of [
      "",
      "*",
      STAGE,
      "arn:aws:execute-api:r:1:/v1/GET/",
      "arn:aws:s3:r:1:a/v1/GET/",
      `x${STAGE}/GET/`,
    ]) {
      expect(() => allowPolicy(ALICE, arn, ["all"]), arn).toThrow("methodArn");
      expect(() => denyPolicy(ALICE, arn), arn).toThrow("methodArn");
    }
  });
});
