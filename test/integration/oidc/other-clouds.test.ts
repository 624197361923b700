import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { settingsSchema } from "../../../infra/settings.ts";
import type { TrustedIdentity } from "../../../lambdas/authorizer/environment.ts";
import { type RunningService, startServiceProcess, temporaryFolder } from "../../fixtures/service.ts";
import { newAuthorizer } from "./authorizer.ts";
import { type Gate, Gateway } from "./gateway.ts";
import { AUDIENCE, LocalIssuer } from "./local-issuer.ts";
import { blocks, type Ran, run, writePrograms } from "./page.ts";

const folder = temporaryFolder();
const KEY = "k".repeat(40);
const SUBJECT = "1234567890";

let service: RunningService;
let cluster: string;
let issuer: LocalIssuer;
let gateway: Gateway | undefined;
beforeAll(async () => {
  writePrograms(folder.path);
  issuer = await LocalIssuer.start();
  service = await startServiceProcess(["--port", "0", "--memory"]);
  const { data } = (await (await fetch(`${service.url}/v3/clusters`)).json()) as { data: [{ cluster_id: string }] };
  cluster = data[0].cluster_id;
});
afterAll(async () => {
  await service.stop();
  await issuer.stop();
  folder.remove();
});
beforeEach(async () => {
  const response = await fetch(`${service.url}/v3/clusters/${cluster}/topics`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ topic_name: "orders", partitions_count: 1 }),
  });
  expect(response.status).toBe(201);
});
afterEach(async () => {
  await fetch(`${service.url}/v3/clusters/${cluster}/topics/orders`, { method: "DELETE" });
  await gateway?.stop();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

/** What is in the topic: keys and values in order. */
async function orders(): Promise<unknown[]> {
  const response = await fetch(`${service.url}/v3/clusters/${cluster}/topics/orders/partitions/0/records`);
  const { data } = (await response.json()) as { data: { key: { data: unknown } | null; value: { data: unknown } }[] };
  return data.map(({ key, value }) => [key?.data, value.data]);
}

const withKey: Gate = async ({ headers }) => (headers["x-api-key"] === KEY ? 200 : 403);

/** API Gateway with the authorizer function: its policy is asked about each request's method. */
async function withToken(identity: Partial<TrustedIdentity> = {}): Promise<Gate> {
  const trusted = {
    issuer: issuer.url,
    audiences: [AUDIENCE],
    subjects: [SUBJECT],
    allow: "write" as const,
    ...identity,
  };
  const { ask } = await newAuthorizer([trusted]);
  return async ({ method, url, headers }) => {
    const methodArn = `arn:aws:execute-api:eu-west-1:123456789012:abcdef1234/prod/${method}${url!.replace("/prod", "")}`;
    try {
      const [statement] = (await ask(headers.authorization, methodArn)).policyDocument.Statement;
      if (statement?.Effect !== "Allow" || !("Resource" in statement)) return 403;
      return (statement.Resource as string[]).some((arn) => methodArn.startsWith(arn.slice(0, -1))) ? 200 : 403;
    } catch (error) {
      return (error as Error).message === "Unauthorized" ? 401 : 503;
    }
  };
}

/** What gives out tokens in a cloud. What it was asked is kept; `answer` is what it says to a request. */
async function tokenSource(answer: (request: IncomingMessage, url: URL) => Promise<string | undefined>) {
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    asked.push(request.url!);
    const text = await answer(request, new URL(request.url!, "http://x"));
    response.writeHead(text === undefined ? 400 : 200).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { asked, host: `127.0.0.1:${(server.address() as AddressInfo).port}`, [Symbol.dispose]: () => server.close() };
}

async function runProgram(
  name: string,
  gate: Gate,
  env: Record<string, string>,
  faults: Gateway["faults"] = [],
): Promise<Ran> {
  gateway = await Gateway.start(service.url, gate);
  gateway.faults.push(...faults);
  return run(folder.path, [name], { MILLRACE_URL: gateway.url, MILLRACE_CLUSTER: cluster, ...env });
}

const TWO_ORDERS = [
  ["alice", { item: "book" }],
  [undefined, { item: "pen" }],
];

describe("the page on other clouds", () => {
  it("has programs that type-check", async () => {
    const tsc = `${process.cwd()}/node_modules/typescript/bin/tsc`;
    const types = ["--types", "node", "--typeRoots", `${process.cwd()}/node_modules/@types`];
    const options = [
      "--noEmit",
      "--strict",
      "--target",
      "es2024",
      "--module",
      "nodenext",
      "--allowImportingTsExtensions",
    ];
    const names = writePrograms(folder.path);
    expect(names.length).toBe(6);
    expect(await run(folder.path, [tsc, ...options, ...types, ...names], {})).toEqual({
      code: 0,
      stdout: "",
      stderr: "",
    });
  });

  it("has settings that deploy", () => {
    const settings = blocks("json").map((text) => settingsSchema.safeParse(JSON.parse(text)));
    expect(settings.map(({ success, error }) => [success, error?.message])).toEqual([
      [true, undefined],
      [true, undefined],
      [true, undefined],
    ]);
  });
});

describe("a producer with an API key", () => {
  it("has every record in the log once and in order, whatever is lost on the way", async () => {
    const faults = ["none", { after: 504 }, "cut", { instead: 429 }, { after: 503 }, "none", "cut"] as const;
    const { code, stdout, stderr } = await runProgram("produce-with-key.ts", withKey, { MILLRACE_API_KEY: KEY }, [
      ...faults,
    ]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/offset: 0.*offset: 1.*offset: 2/s);
    expect(await orders()).toEqual([
      ["alice", { item: "book" }],
      ["bob", { item: "pen" }],
      ["alice", { item: "lamp" }],
    ]);
    expect(gateway!.answered).toEqual([201, 504, 0, 429, 503, 207, 0, 207]);
  });

  it("gives up after six times, and at once what is refused", async () => {
    const busy = Array.from({ length: 10 }, () => ({ instead: 503 }));
    const throttled = await runProgram("produce-with-key.ts", withKey, { MILLRACE_API_KEY: KEY }, busy);
    expect([throttled.code, throttled.stderr, gateway!.answered.length]).toEqual([
      1,
      expect.stringContaining("503"),
      6,
    ]);
    await gateway!.stop();
    const wrong = await runProgram("produce-with-key.ts", withKey, { MILLRACE_API_KEY: "wrong" });
    expect([wrong.code, wrong.stderr, gateway!.answered]).toEqual([1, expect.stringContaining("403"), [403]]);
    expect(await orders()).toEqual([]);
  });
});

describe("a producer on Google Cloud", () => {
  it("produces with a token of its service account, and none of its own keeping", async () => {
    using metadata = await tokenSource(async ({ headers }, { pathname, searchParams }) =>
      headers["metadata-flavor"] === "Google" && pathname.endsWith("/service-accounts/default/identity")
        ? issuer.token({ aud: searchParams.get("audience")!, azp: SUBJECT })
        : undefined,
    );
    const ran = await runProgram("produce-from-google.ts", await withToken(), { GCE_METADATA_HOST: metadata.host }, [
      { instead: 503 },
    ]);
    expect([ran.code, ran.stderr, gateway!.answered]).toEqual([0, "", [503, 207]]);
    expect(await orders()).toEqual(TWO_ORDERS);
    expect(metadata.asked.length).toBe(1);
  });

  it("is kept out with the token of another account, or one that may only read", async () => {
    using metadata = await tokenSource(() => issuer.token());
    const env = { GCE_METADATA_HOST: metadata.host };
    for (const identity of [{ subjects: ["9876543210"] }, { allow: "read" as const }]) {
      const ran = await runProgram("produce-from-google.ts", await withToken(identity), env);
      expect([ran.code, ran.stderr, gateway!.answered]).toEqual([1, expect.stringContaining("403"), [403]]);
      await gateway!.stop();
    }
    const ran = await runProgram("produce-from-google.ts", await withToken({ audiences: ["other"] }), env);
    expect([ran.code, ran.stderr, gateway!.answered]).toEqual([1, expect.stringContaining("401"), [401]]);
    expect(await orders()).toEqual([]);
  });
});

describe("a batch that is answered record by record", () => {
  const answer = (successes: object[], failures: object[]) => ({ instead: 207, body: { successes, failures } });
  const first = { id: "0", partition_id: 0, offset: 41 };

  async function answered(fault: Gateway["faults"][number]): Promise<Ran> {
    using metadata = await tokenSource(() => issuer.token());
    return await runProgram("produce-from-google.ts", await withToken(), { GCE_METADATA_HOST: metadata.host }, [fault]);
  }

  it("is sent again without what was appended", async () => {
    const ran = await answered(answer([first], [{ id: "1", error_code: 42900, message: "busy" }]));
    expect([ran.code, ran.stdout, gateway!.answered]).toEqual([
      0,
      expect.stringMatching(/offset: 41.*offset: 0/s),
      [207, 207],
    ]);
    expect(await orders()).toEqual([TWO_ORDERS[1]]);
  });

  it("is not sent again when one of its records is refused for good", async () => {
    const ran = await answered(answer([first], [{ id: "1", error_code: 42206, message: "no such payload" }]));
    expect([ran.code, ran.stderr, gateway!.answered]).toEqual([1, expect.stringContaining("no such payload"), [207]]);
    expect(await orders()).toEqual([]);
  });
});

describe("a producer on Azure", () => {
  const RESOURCE = "api://66666666-7777-8888-9999-000000000000";
  const token = async (resource: string | null) =>
    JSON.stringify({ access_token: await issuer.token({ aud: resource!, ver: "1.0" }), expires_in: "86399" });

  it("produces with its managed identity, on a virtual machine and where the platform has its own endpoint", async () => {
    using metadata = await tokenSource(async ({ headers }, { pathname, searchParams }) =>
      headers["metadata"] === "true" &&
      pathname === "/metadata/identity/oauth2/token" &&
      searchParams.get("api-version") === "2018-02-01"
        ? token(searchParams.get("resource"))
        : undefined,
    );
    using platform = await tokenSource(async ({ headers }, { pathname, searchParams }) =>
      headers["x-identity-header"] === "secret" &&
      pathname === "/msi/token" &&
      searchParams.get("api-version") === "2019-08-01"
        ? token(searchParams.get("resource"))
        : undefined,
    );
    for (const env of [
      { AZURE_POD_IDENTITY_AUTHORITY_HOST: `http://${metadata.host}` },
      { IDENTITY_ENDPOINT: `http://${platform.host}/msi/token`, IDENTITY_HEADER: "secret" },
    ]) {
      const gate = await withToken({ audiences: [RESOURCE] });
      const ran = await runProgram("produce-from-azure.ts", gate, { MILLRACE_RESOURCE: RESOURCE, ...env } as Record<
        string,
        string
      >);
      expect([ran.code, ran.stderr, gateway!.answered]).toEqual([0, "", [207]]);
      await gateway!.stop();
    }
    expect(await orders()).toEqual([...TWO_ORDERS, ...TWO_ORDERS]);
  });
});

describe("a producer in GitHub Actions", () => {
  it("produces with the token of its job", async () => {
    const subject = "repo:octo-org@123456/octo-repo@456789:ref:refs/heads/main";
    using actions = await tokenSource(async ({ headers }, { searchParams }) =>
      headers.authorization === "Bearer of-the-job" && searchParams.get("api-version") === "2.0"
        ? JSON.stringify({ value: await issuer.token({ sub: subject, aud: searchParams.get("audience")! }) })
        : undefined,
    );
    const ran = await runProgram("produce-from-github.ts", await withToken({ subjects: [subject] }), {
      ACTIONS_ID_TOKEN_REQUEST_URL: `http://${actions.host}/token?api-version=2.0`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: "of-the-job",
    });
    expect([ran.code, ran.stderr, await orders()]).toEqual([0, "", [["build", { status: "passed" }]]]);
  });
});

describe("a Cloudflare Worker", () => {
  it("produces what it is sent, with a key from its secrets", async () => {
    gateway = await Gateway.start(service.url, withKey);
    const env = { MILLRACE_URL: gateway.url, MILLRACE_CLUSTER: cluster, MILLRACE_API_KEY: KEY };
    const program = `
      import worker from "./worker.ts";
      for (const init of [{ method: "POST", body: '{"item":"book"}' }, { method: "POST", body: "{" }, {}]) {
        const response = await worker.fetch(new Request("https://worker.example/", init), ${JSON.stringify(env)});
        console.log(response.status, await response.text());
      }`;
    const ran = await run(folder.path, ["--input-type=module", "--eval", program], {});
    expect(ran).toEqual({
      code: 0,
      stdout: '201 {"partition_id":0,"offset":0}\n400 not JSON\n405 POST an order, as JSON\n',
      stderr: "",
    });
    expect(await orders()).toEqual([[undefined, { item: "book" }]]);
  });
});
