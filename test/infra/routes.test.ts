import { describe, expect, it } from "vitest";
import { ROUTES } from "../../shared/http/route-table.ts";
import { EVERYTHING, ofType, synthesized, type Template } from "./synthesized.ts";

/** How API Gateway finds a method: the resource by its path, the method by its name before ANY. Answers its function's id. */
function functionOf(template: Template, apiId: string, method: string, path: string): string | undefined {
  const resources = Object.entries(template.Resources).filter(([, { Type }]) => Type === "AWS::ApiGateway::Resource");
  const proxy = resources.find(
    ([, { Properties }]) => Properties.RestApiId.Ref === apiId && Properties.PathPart === "{proxy+}",
  );
  if (path !== "/") expect(proxy?.[1].Properties.ParentId["Fn::GetAtt"]).toEqual([apiId, "RootResourceId"]);
  const methods = ofType(template, "AWS::ApiGateway::Method").filter(
    ({ Properties: { RestApiId, ResourceId } }) =>
      RestApiId.Ref === apiId &&
      (path === "/" ? ResourceId["Fn::GetAtt"]?.[1] === "RootResourceId" : ResourceId.Ref === proxy?.[0]),
  );
  const find = (name: string) => methods.find(({ Properties }) => Properties.HttpMethod === name);
  const uri = (find(method) ?? find("ANY"))?.Properties.Integration.Uri;
  return /"Fn::GetAtt":\["(\w+)","Arn"\]/.exec(JSON.stringify(uri))?.[1];
}

function functionId(template: Template, name: string): string {
  const found = Object.entries(template.Resources).find(
    ([, { Type, Properties }]) => Type === "AWS::Lambda::Function" && Properties.FunctionName === name,
  );
  return found![0];
}

describe("the ways in", () => {
  it("bring every route of the table, under its alias too, to its function", () => {
    const { service } = synthesized(EVERYTHING);
    const apis = Object.entries(service.Resources).filter(([, { Type }]) => Type === "AWS::ApiGateway::RestApi");
    expect(apis.map(([, { Properties }]) => Properties.Name)).toEqual(["orders-api-key", "orders-iam", "orders-oidc"]);
    expect(ROUTES.length).toBeGreaterThan(30);
    for (const [apiId] of apis) {
      for (const { method, path, lambda } of ROUTES) {
        for (const asked of path.startsWith("/v3") ? [path, `/kafka${path}`] : [path]) {
          const found = functionOf(service, apiId, method, asked);
          expect(found, `${method} ${asked}`).toBe(functionId(service, `orders-${lambda}`));
        }
      }
    }
  });

  it("let the function that can only read answer HEAD, OPTIONS and what is no route", () => {
    const { service } = synthesized();
    const apiId = Object.keys(service.Resources).find(
      (id) => service.Resources[id]!.Type === "AWS::ApiGateway::RestApi",
    )!;
    for (const [method, path] of [
      ["HEAD", "/health"],
      ["OPTIONS", "/topics"],
      ["GET", "/"],
      ["GET", "/nothing/here"],
    ] as const) {
      expect(functionOf(service, apiId, method, path)).toBe(functionId(service, "millrace-fetch"));
    }
    expect(functionOf(service, apiId, "DELETE", "/nothing")).toBe(functionId(service, "millrace-produce"));
  });

  it("may invoke the functions, and nobody else may", () => {
    const { service } = synthesized();
    const permissions = ofType(service, "AWS::Lambda::Permission");
    expect(permissions.length).toBeGreaterThan(0);
    for (const { Properties } of permissions) {
      expect(Properties.Principal).toBe("apigateway.amazonaws.com");
      expect(Properties.Action).toBe("lambda:InvokeFunction");
      expect(JSON.stringify(Properties.SourceArn)).toMatch(/"Ref":"ApiKeyApi/);
    }
  });
});

describe("no way in is open", () => {
  it.each([{}, EVERYTHING])("with settings %#", (settings) => {
    const { service } = synthesized(settings);
    const methods = ofType(service, "AWS::ApiGateway::Method");
    expect(methods.length).toBeGreaterThan(0);
    for (const { Properties } of methods) {
      const { AuthorizationType, ApiKeyRequired, AuthorizerId } = Properties;
      const isClosed =
        AuthorizationType === "AWS_IAM" ||
        (AuthorizationType === "CUSTOM" && AuthorizerId !== undefined) ||
        (AuthorizationType === "NONE" && ApiKeyRequired === true);
      expect(isClosed, JSON.stringify(Properties)).toBe(true);
    }
  });
});

describe("what API Gateway answers by itself", () => {
  it("is JSON with Confluent's code and a hint, whatever its message", () => {
    const responses = ofType(synthesized().service, "AWS::ApiGateway::GatewayResponse");
    expect(responses.length).toBeGreaterThan(10);
    for (const { Properties } of responses) {
      const filled = Properties.ResponseTemplates["application/json"].replace(
        "$context.error.messageString",
        '"it \\"said\\""',
      );
      expect(JSON.parse(filled)).toMatchObject({
        error_code: expect.any(Number),
        message: 'it "said"',
        hint: expect.any(String),
      });
    }
  });

  it("is 413 with a hint for a body beyond its limit", () => {
    const responses = ofType(synthesized().service, "AWS::ApiGateway::GatewayResponse");
    const tooLarge = responses.find(({ Properties }) => Properties.ResponseType === "REQUEST_TOO_LARGE");
    expect(tooLarge?.Properties.StatusCode).toBe("413");
    expect(tooLarge?.Properties.ResponseTemplates["application/json"]).toContain("a body may have 4 MiB");
  });
});
