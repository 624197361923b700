import { describeCluster } from "../../broker/describe-cluster.ts";
import { HttpError } from "../http-error.ts";
import type { RouteContext } from "../route.ts";

/** Checks the cluster id of the path. Errors: 404. */
export async function checkCluster({ broker, params }: RouteContext): Promise<string> {
  const { clusterId } = await describeCluster(broker);
  if (params["cluster_id"] === clusterId) return clusterId;
  throw new HttpError(
    404,
    404,
    `Cluster ${params["cluster_id"]} cannot be found.`,
    "GET /v3/clusters names the cluster",
  );
}

/** A link to a resource of the same cluster. */
export function related(context: RouteContext, path: string): { related: string } {
  return { related: url(context, path) };
}

export function url({ baseUrl }: RouteContext, path: string): string {
  return `${baseUrl}/v3/clusters${path}`;
}

/** `kind` and `metadata` of a resource, as every v3 answer begins. `names`: pairs for its resource name. */
export function resource(
  context: RouteContext,
  kind: string,
  path: string,
  names: readonly (readonly [string, string])[],
) {
  const resource_name = `crn:///${names.map(([type, name]) => `${type}=${name}`).join("/")}`;
  return { kind, metadata: { self: url(context, path), resource_name } };
}

/** A list of resources: all of them at once, so there is no next page. */
export function list(context: RouteContext, kind: string, path: string, data: readonly unknown[]) {
  return { kind, metadata: { self: url(context, path), next: null }, data };
}
