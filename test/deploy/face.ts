import { type Deployment, localUrl } from "./deployment.ts";
import { type Answer, type Sent, send } from "./request.ts";

/** A way in, as a client has it: a URL, and what shows who one is. */
export interface Face {
  readonly url: URL;
  readonly cluster: string;
  /** `path` below the URL. */
  call(path: string, sent?: Sent): Promise<Answer>;
  /** `path` below `/v3/clusters/<id>`. */
  v3(path: string, sent?: Sent): Promise<Answer>;
  /** Makes a topic; its id. */
  createTopic(name: string, partitions?: number): Promise<string>;
}

export type Way = "ApiKey" | "Iam" | "Oidc";

export function faceUrl({ outputs }: Deployment, way: Way): URL {
  return localUrl(outputs[`${way}Url`]!);
}

/** `path`: with its query, as it is. */
export function below(url: URL, path: string): URL {
  return new URL(`${url.href.replace(/\/$/, "")}${path}`);
}

/** Opens a face whose callers show who they are by headers. */
export async function openFace(deployment: Deployment, way: Way, credentials: Record<string, string>): Promise<Face> {
  const url = faceUrl(deployment, way);
  const call = (path: string, sent: Sent = {}) =>
    send(below(url, path), { ...sent, headers: { ...credentials, ...sent.headers } });
  const health = await call("/health");
  if (health.status !== 200) throw new Error(`${url.href}: ${health.status} ${health.text}`);
  const cluster = health.body.cluster_id as string;
  const v3 = (path: string, sent?: Sent) => call(`/v3/clusters/${cluster}${path}`, sent);
  const createTopic = async (name: string, partitions = 1) => {
    const made = await v3("/topics", { body: { topic_name: name, partitions_count: partitions } });
    if (made.status !== 201) throw new Error(`topic ${name}: ${made.status} ${made.text}`);
    return made.body.topic_id as string;
  };
  return { url, cluster, call, v3, createTopic };
}
