import { setTimeout } from "node:timers/promises";
import { type Deployment, ENDPOINT, REGION } from "./deployment.ts";
import { type Answer, type Credentials, ROOT, sendSigned } from "./request.ts";

/** The calls to AWS's control planes that tests need, by the wire: their SDK clients are no dependency of ours. */

/** Errors: an Error with what AWS says. */
export async function rest(
  service: string,
  method: string,
  path: string,
  body?: object | string,
  region = REGION,
): Promise<Answer> {
  const sent = { method, region, ...(body === undefined ? {} : { body }) };
  return checked(`${service} ${method} ${path}`, await sendSigned(new URL(path, ENDPOINT), service, sent));
}

export async function json(service: string, target: string, body: object, region = REGION): Promise<Answer> {
  return checked(target, await jsonAnswer(service, target, body, ROOT, region));
}

/** The same, for those that may be refused. */
export function jsonAnswer(
  service: string,
  target: string,
  body: object,
  credentials: Credentials = ROOT,
  region = REGION,
): Promise<Answer> {
  const version = service === "dynamodb" ? "1.0" : "1.1";
  const headers = { "x-amz-target": target, "content-type": `application/x-amz-json-${version}` };
  return sendSigned(new URL("/", ENDPOINT), service, { method: "POST", region, headers, body }, credentials);
}

export async function query(service: string, parameters: Record<string, string>, region = REGION): Promise<Answer> {
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(parameters).toString();
  const sent = { method: "POST", region, headers, body };
  return checked(parameters["Action"]!, await sendSigned(new URL("/", ENDPOINT), service, sent));
}

export const iam = (Action: string, parameters: Record<string, string> = {}) =>
  query("iam", { Action, Version: "2010-05-08", ...parameters });

/** The texts of all elements of that name. */
export function elements({ text }: Answer, name: string): string[] {
  return [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, "g"))].map((match) => match[1]!);
}

/** The value of an API key, by its name in the settings. */
export async function apiKey({ outputs, region }: Deployment, name: string): Promise<string> {
  const id = new RegExp(`(?:^|,)${name}=(\\w+)`).exec(outputs["ApiKeyIds"]!)![1];
  const answer = await rest("apigateway", "GET", `/apikeys/${id}?includeValue=true`, undefined, region);
  return answer.body.value as string;
}

export interface FunctionConfiguration {
  readonly Role: string;
  readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
}

const functionPath = (name: string) => `/2015-03-31/functions/${name}`;

export async function functionConfiguration(name: string, region = REGION): Promise<FunctionConfiguration> {
  const path = `${functionPath(name)}/configuration`;
  return (await rest("lambda", "GET", path, undefined, region)).body as FunctionConfiguration;
}

/** Gives a function environment variables more: its processes end, and new ones begin. */
export async function restartFunction(
  name: string,
  variables: Readonly<Record<string, string>>,
  region = REGION,
): Promise<void> {
  const { Environment } = await functionConfiguration(name, region);
  const Variables = { ...Environment.Variables, ...variables };
  const path = `${functionPath(name)}/configuration`;
  await rest("lambda", "PUT", path, { Environment: { Variables } }, region);
  for (let attempt = 0; attempt < 60; attempt++) {
    const { LastUpdateStatus } = (await rest("lambda", "GET", path, undefined, region)).body;
    if (LastUpdateStatus === "Successful" || LastUpdateStatus === undefined) return;
    await setTimeout(500);
  }
  throw new Error(`${name} is still being updated`);
}

/** Invokes a function and answers what it returns. Errors: an Error if it failed. */
export async function invoke(name: string, event: object = {}, region = REGION): Promise<unknown> {
  const answer = await rest("lambda", "POST", `${functionPath(name)}/invocations`, event, region);
  if (answer.headers["x-amz-function-error"] !== undefined) throw new Error(`${name} failed: ${answer.text}`);
  return JSON.parse(answer.text);
}

/** Every line that is in a log group. */
export async function logLines(logGroupName: string): Promise<string[]> {
  const lines: string[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < 100; page++) {
    const { body } = await json("logs", "Logs_20140328.FilterLogEvents", { logGroupName, nextToken });
    lines.push(...body.events.map(({ message }: { message: string }) => message));
    if (body.nextToken === undefined || body.nextToken === null || body.nextToken === nextToken) return lines;
    nextToken = body.nextToken;
  }
  throw new Error(`${logGroupName} has no end`);
}

function checked(what: string, answer: Answer): Answer {
  if (answer.status >= 300) throw new Error(`${what}: ${answer.status} ${answer.text.slice(0, 500)}`);
  return answer;
}
