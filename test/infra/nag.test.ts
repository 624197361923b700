import { type Stack, Validations } from "aws-cdk-lib";
import { Effect, PolicyStatement, type Role } from "aws-cdk-lib/aws-iam";
import { describe, expect, it } from "vitest";
import { appFor, EVERYTHING, EVERYTHING_EVERYWHERE } from "./synthesized.ts";

describe("cdk-nag's AwsSolutions pack", () => {
  it.each([{}, EVERYTHING, { removalPolicy: "destroy", access: { iam: {} } }, EVERYTHING_EVERYWHERE])(
    "finds nothing, with settings %#",
    (settings) => {
      expect(() => appFor(settings).app.synth()).not.toThrow();
    },
  );

  it("finds what is not acknowledged", () => {
    const { app } = appFor({});
    const stack = app.node.findChild("millrace-service") as Stack;
    const role = stack.node.findChild("fetch").node.findChild("Role") as Role;
    role.addToPolicy(new PolicyStatement({ effect: Effect.ALLOW, actions: ["dynamodb:*"], resources: ["*"] }));
    expect(() => app.synth()).toThrow("AwsSolutions-IAM5[Action::dynamodb:*]");
  });

  it("has a reason for each finding that stands", () => {
    const { app } = appFor(EVERYTHING_EVERYWHERE);
    app.synth();
    const acknowledged = app.node
      .findAll()
      .flatMap((construct) => construct.node.metadata)
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .map(({ data }) => data as Record<string, string>);
    expect(acknowledged.length).toBeGreaterThan(5);
    for (const reasons of acknowledged) {
      for (const [id, reason] of Object.entries(reasons)) expect(String(reason).length, id).toBeGreaterThan(30);
    }
  });
});

it("a synth warns of nothing: whoever reads its output has something to do", () => {
  for (const settings of [EVERYTHING, EVERYTHING_EVERYWHERE]) {
    const { app } = appFor(settings);
    app.synth();
    const metadata = app.node.findAll().flatMap((construct) => construct.node.metadata);
    expect(metadata.filter(({ type }) => type === "aws:cdk:warning").map(({ data }) => data as unknown)).toEqual([]);
  }
});
