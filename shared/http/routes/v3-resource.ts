import { describeCluster } from "../../broker/describe-cluster.ts";
import { HttpError } from "../http-error.ts";
import { type HttpResponse, JSON_TYPE } from "../http-message.ts";
import type { RouteContext } from "../route.ts";
import type { TopicPage } from "./topic-page.ts";

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

/** A partition's number as a path has it; undefined for what cannot be one. */
export function partitionNumber(text: string): number | undefined {
  return /^(0|[1-9]\d{0,8})$/.test(text) ? Number(text) : undefined;
}

/** The partition of the path. Errors: 404 for what cannot be one. */
export function partitionOf({ params }: RouteContext): number {
  const partition = partitionNumber(params["partition_id"]!);
  if (partition !== undefined) return partition;
  throw new HttpError(404, 40403, `Partition ${params["partition_id"]} cannot be found.`, undefined, {
    kafka_error: "UNKNOWN_TOPIC_OR_PARTITION",
  });
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

/** A list of all the resources there are of a kind. */
export function list(context: RouteContext, kind: string, path: string, data: readonly unknown[]) {
  return { kind, metadata: { self: url(context, path), next: null }, data };
}

/** A page of a list, with a link to the next. `path` may have a query. */
export function pageResponse(context: RouteContext, kind: string, path: string, page: TopicPage): HttpResponse {
  const self = url(context, path);
  const token = () => `${self.includes("?") ? "&" : "?"}page_token=${encodeURIComponent(page.next!)}`;
  const next = page.next === undefined ? null : `${self}${token()}`;
  const head = `{"kind":${JSON.stringify(kind)},"metadata":${JSON.stringify({ self, next })}`;
  return {
    status: 200,
    headers: { "content-type": JSON_TYPE },
    body: `${head},"data":[${page.texts.join(",")}]}`,
  };
}
