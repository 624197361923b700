import { describe, expect, it } from "vitest";
import { ROUTES } from "../../shared/http/route-table.ts";
import { EVERYTHING, ofType, synthesized, type Template } from "./synthesized.ts";

interface GatewayResource {
  readonly id: string;
  /** As it stands in the tree: a literal, `{name}` or `{name+}`; empty: the root. */
  readonly part: string;
  readonly children: GatewayResource[];
  /** The id of the function, by method. */
  readonly functions: Map<string, string>;
}

const ROOT = "RootResourceId";
const isGreedy = ({ part }: GatewayResource) => /^\{.+\+\}$/.test(part);
const isVariable = ({ part }: GatewayResource) => /^\{.+\}$/.test(part);

/** An API's resources and methods as a tree. */
function treeOf(template: Template, apiId: string): GatewayResource {
  const nodes = new Map<string, GatewayResource>([[ROOT, { id: ROOT, part: "", children: [], functions: new Map() }]]);
  const idOf = (reference: { Ref?: string; "Fn::GetAtt"?: string[] }) => reference.Ref ?? reference["Fn::GetAtt"]![1]!;
  const resources = Object.entries(template.Resources).filter(
    ([, { Type, Properties }]) => Type === "AWS::ApiGateway::Resource" && Properties.RestApiId.Ref === apiId,
  );
  for (const [id, { Properties }] of resources) {
    nodes.set(id, { id, part: Properties.PathPart, children: [], functions: new Map() });
  }
  for (const [id, { Properties }] of resources) {
    nodes.get(idOf(Properties.ParentId))!.children.push(nodes.get(id)!);
  }
  for (const { Properties } of ofType(template, "AWS::ApiGateway::Method")) {
    if (Properties.RestApiId.Ref !== apiId) continue;
    const target = /"Fn::GetAtt":\["(\w+)","Arn"\]/.exec(JSON.stringify(Properties.Integration.Uri))![1]!;
    nodes.get(idOf(Properties.ResourceId))!.functions.set(Properties.HttpMethod, target);
  }
  return nodes.get(ROOT)!;
}

const methodOf = ({ functions }: GatewayResource, method: string) => functions.get(method) ?? functions.get("ANY");
const partsOf = (path: string) => path.split("/").filter((part) => part !== "");

/**
 * How a request finds its function if API Gateway goes down the tree and never back: at each part of the path the child of that name, else
 * the one with a variable; a greedy one takes what is left. What has no method there, or nothing below, is refused.
 */
function strictly(resource: GatewayResource, method: string, parts: readonly string[]): string | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return methodOf(resource, method);
  const next = resource.children.find((child) => child.part === part) ?? resource.children.find(isVariable);
  if (next === undefined) return undefined;
  return isGreedy(next) ? methodOf(next, method) : strictly(next, method, rest);
}

/**
 * And if it judges resource and method together, as was measured (https://github.com/ministackorg/ministack/pull/1423,
 * https://github.com/floci-io/floci/pull/3399): the most specific resource that has the method.
 */
function leniently(resource: GatewayResource, method: string, parts: readonly string[]): string | undefined {
  const [part, ...rest] = parts;
  if (part === undefined) return methodOf(resource, method);
  const named = resource.children.filter((child) => child.part === part);
  const variable = resource.children.filter((child) => isVariable(child) && !isGreedy(child));
  for (const child of [...named, ...variable]) {
    const found = leniently(child, method, rest);
    if (found !== undefined) return found;
  }
  const greedy = resource.children.find(isGreedy);
  return greedy === undefined ? undefined : methodOf(greedy, method);
}

/** What both say. */
function functionOf(template: Template, apiId: string, method: string, path: string): string | undefined {
  const tree = treeOf(template, apiId);
  const found = strictly(tree, method, partsOf(path));
  expect(leniently(tree, method, partsOf(path)), `${method} ${path}, leniently`).toBe(found);
  return found;
}

function apisOf(template: Template): [id: string, name: string][] {
  return Object.entries(template.Resources)
    .filter(([, { Type }]) => Type === "AWS::ApiGateway::RestApi")
    .map(([id, { Properties }]) => [id, Properties.Name]);
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
    const apis = apisOf(service);
    expect(apis.map(([, name]) => name)).toEqual(["orders-api-key", "orders-iam", "orders-oidc"]);
    expect(ROUTES.length).toBeGreaterThan(50);
    expect(new Set(ROUTES.map(({ lambda }) => lambda))).toEqual(new Set(["fetch", "produce", "coordinator"]));
    for (const [apiId] of apis) {
      for (const { method, path, lambda } of ROUTES) {
        // As a client asks: with values in the place of parameters.
        const plain = path.replaceAll(/\{\w+\}/g, "x");
        for (const asked of plain.startsWith("/v3") ? [plain, `/kafka${plain}`] : [plain]) {
          const found = functionOf(service, apiId, method, asked);
          expect(found, `${method} ${asked}`).toBe(functionId(service, `orders-${lambda}`));
          // HEAD is GET without its body, and OPTIONS tells of the path.
          if (method === "GET") expect(functionOf(service, apiId, "HEAD", asked), `HEAD ${asked}`).toBe(found);
        }
      }
    }
  });

  it("give a resource at most one child with a variable, as API Gateway has it", () => {
    const variables = (resource: GatewayResource): number[] => [
      resource.children.filter(isVariable).length,
      ...resource.children.flatMap(variables),
    ];
    for (const settings of [{}, EVERYTHING]) {
      const { service } = synthesized(settings);
      for (const [apiId] of apisOf(service)) expect(Math.max(...variables(treeOf(service, apiId)))).toBe(1);
    }
  });

  it("answer every method on every path by a function, and none by API Gateway's own refusal", () => {
    const { service } = synthesized();
    const [[apiId]] = apisOf(service) as [[string, string]];
    const paths = [
      ..."/ /x /x/y /consumers /consumers/g/instances/i/records /v3 /v3/x /v3/x/y /v3/clusters /v3/clusters/c".split(
        " ",
      ),
      ..."/v3/clusters/c/topics/t/records /v3/clusters/c/consumer-groups /v3/clusters/c/consumer-groups/g/x/y".split(
        " ",
      ),
      ..."/kafka /kafka/x /kafka/v3 /kafka/v3/x /kafka/v3/clusters /kafka/v3/clusters/c /kafka/v3/clusters/c/x".split(
        " ",
      ),
    ];
    for (const path of paths) {
      for (const method of ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]) {
        expect(functionOf(service, apiId, method, path), `${method} ${path}`).toBeDefined();
      }
    }
  });

  it("let the function that can only read answer HEAD, OPTIONS and what is no route", () => {
    const { service } = synthesized();
    const [[apiId]] = apisOf(service) as [[string, string]];
    for (const [method, path] of [
      ["HEAD", "/health"],
      ["OPTIONS", "/topics"],
      ["GET", "/"],
      ["GET", "/nothing/here"],
      ["GET", "/v3/clusters/c/nothing"],
      ["GET", "/consumers-of-old"],
    ] as const) {
      expect(functionOf(service, apiId, method, path)).toBe(functionId(service, "millrace-fetch"));
    }
    expect(functionOf(service, apiId, "DELETE", "/nothing")).toBe(functionId(service, "millrace-produce"));
  });

  it("may invoke the functions, and nobody else may", () => {
    const { service } = synthesized();
    const permissions = ofType(service, "AWS::Lambda::Permission").map(({ Properties }) => Properties);
    const ofGateway = permissions.filter(({ Principal }) => Principal === "apigateway.amazonaws.com");
    expect(ofGateway.map(({ FunctionName }) => FunctionName["Fn::GetAtt"][0]).toSorted()).toEqual(
      ["produce", "fetch", "coordinator"].map((lambda) => functionId(service, `millrace-${lambda}`)).toSorted(),
    );
    for (const { Action, SourceArn } of permissions) {
      expect(Action).toBe("lambda:InvokeFunction");
      // The API, one of the sweep's clocks, or that of the upkeep.
      expect(JSON.stringify(SourceArn)).toMatch(
        /"Ref":"ApiKeyApi|"Fn::GetAtt":\["(GroupSweep|UpkeepClock)\w*Rule\w+","Arn"\]/,
      );
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
