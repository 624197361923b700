import { Duration } from "aws-cdk-lib";
import { type IResource, LambdaIntegration, type MethodOptions, type RestApi } from "aws-cdk-lib/aws-apigateway";
import type { IFunction } from "aws-cdk-lib/aws-lambda";

/** The functions that answer requests. */
export type RoutedFunctions = Readonly<Record<"produce" | "fetch" | "coordinator", IFunction>>;

/** Methods that only read: theirs is the fetch function, which can do no more than that. All others are produce's. */
const READING_METHODS = ["GET", "HEAD", "OPTIONS"];

const V3_GROUPS = "v3/clusters/{cluster_id}/consumer-groups";
/** These paths, and all below them, are the coordinator's, by every method. */
const COORDINATED = ["consumers", V3_GROUPS, `kafka/${V3_GROUPS}`];

const GREEDY = "{proxy+}";

/**
 * Brings every path to its function. Whether API Gateway looks for another resource when the one that fits a path best has no method for the
 * request, or nothing below it that fits, its guide does not say; measured, it does. Here nothing hangs on it: resources on the way to the
 * coordinator's have the methods of all others, and a greedy one beside what goes on. (A resource has one child with a variable: where that is
 * `{cluster_id}`, it takes what a greedy one would.)
 */
export function addRoutes(api: RestApi, functions: RoutedFunctions, method: MethodOptions): void {
  const produce = integration(functions.produce);
  const fetch = integration(functions.fetch);
  const coordinator = integration(functions.coordinator);
  const addMethods = (resource: IResource) => {
    for (const reading of READING_METHODS) resource.addMethod(reading, fetch, method);
    resource.addMethod("ANY", produce, method);
  };
  const addGreedy = (resource: IResource) => addMethods(resource.addResource(GREEDY));
  addMethods(api.root);
  addGreedy(api.root);
  for (const path of COORDINATED) {
    const parts = path.split("/");
    const last = parts.pop()!;
    let resource: IResource = api.root;
    for (const [index, part] of parts.entries()) {
      const known = resource.getResource(part);
      resource = known ?? resource.addResource(part);
      if (known !== undefined) continue;
      addMethods(resource);
      const next = parts[index + 1] ?? last;
      if (!next.startsWith("{")) addGreedy(resource);
    }
    const own = resource.addResource(last);
    own.addMethod("ANY", coordinator, method);
    own.addResource(GREEDY).addMethod("ANY", coordinator, method);
  }
}

/** One permission a function for the whole API: one for each method would be hundreds of resources in the stack. */
function integration(handler: IFunction): LambdaIntegration {
  return new LambdaIntegration(handler, {
    proxy: true,
    scopePermissionToMethod: false,
    timeout: Duration.seconds(29),
  });
}
