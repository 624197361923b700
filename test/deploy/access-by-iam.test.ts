import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { apiKey, jsonAnswer } from "./control-plane.ts";
import { deployment, JUDGES_POLICIES } from "./deployment.ts";
import { below, faceUrl, openFace } from "./face.ts";
import { type IamUser, newIamUser } from "./iam-user.ts";
import { type Credentials, type Sent, sendSigned } from "./request.ts";

const first = deployment("first");
const url = faceUrl(first, "Iam");
/** What the stack puts out for callers' policies. */
const RESOURCE = first.outputs["IamResource"]!;

let topics: string;
let [caller, reader, stranger]: IamUser[] = [];
beforeAll(async () => {
  const { cluster } = await openFace(first, "ApiKey", { "x-api-key": await apiKey(first, "default") });
  topics = `/v3/clusters/${cluster}/topics`;
  caller = await newIamUser(`${first.name}-caller`, RESOURCE);
  reader = await newIamUser(`${first.name}-reader`, RESOURCE.replace(/\/\*\/\*$/, "/GET/*"));
  stranger = await newIamUser(`${first.name}-stranger`);
});
afterAll(async () => {
  for (const user of [caller, reader, stranger]) await user?.remove();
});

const call = (credentials: Credentials, path: string, sent?: Sent) =>
  sendSigned(below(url, path), "execute-api", sent, credentials);

describe("the way in by IAM", () => {
  it("opens to whoever signs and may invoke what the stack puts out", async () => {
    const { credentials } = caller!;
    const made = await call(credentials, topics, { body: { topic_name: "by-iam", partitions_count: 1 } });
    expect([made.status, made.body.topic_name]).toEqual([201, "by-iam"]);
    const body = { value: { type: "STRING", data: "one" } };
    expect((await call(credentials, `${topics}/by-iam/records?acks=all`, { body })).body).toMatchObject({ offset: 0 });
    const read = await call(credentials, `${topics}/by-iam/partitions/0/records?offset=0&max_bytes=1024`);
    expect([read.status, read.body.data.length]).toEqual([200, 1]);
    expect((await call(credentials, `${topics}/by-iam`, { method: "DELETE" })).status).toBe(204);
  });
});

describe.runIf(JUDGES_POLICIES)("the way in by IAM, where policies are judged,", () => {
  it("lets a caller who may read do that, and no more", async () => {
    const { credentials } = reader!;
    expect((await call(credentials, topics)).status).toBe(200);
    const body = { topic_name: "by-reader", partitions_count: 1 };
    expect((await call(credentials, topics, { body })).status).toBe(403);
  });

  it("stays closed to who may nothing", async () => {
    // MiniStack says so in its own form, {"__type": "AccessDeniedException"}; AWS by the gateway response ACCESS_DENIED.
    expect((await call(stranger!.credentials, topics)).status).toBe(403);
  });

  it("stays closed to a signature by another secret, with a hint, and to an unknown key", async () => {
    const forged = await call({ ...caller!.credentials, secretAccessKey: "guessed" }, topics);
    expect([forged.status, forged.body.hint]).toEqual([403, "sign the request for the service execute-api"]);
    const unknown = { accessKeyId: "AKIAIOSFODNN7EXAMPLE", secretAccessKey: "guessed" };
    expect((await call(unknown, topics)).status).toBe(403);
  });

  it("is no exception: calls of the kind that functions make are judged too", async () => {
    const target = "DynamoDB_20120810.GetItem";
    const Key = { kind: { S: "cluster" }, name: { S: "id" } };
    const input = { TableName: `${first.name}-metadata`, Key };
    const refused = await jsonAnswer("dynamodb", target, input, stranger!.credentials);
    expect(refused.body).toMatchObject({ __type: expect.stringContaining("AccessDenied") });
    expect((await jsonAnswer("dynamodb", target, input)).body).toMatchObject({ Item: Key });
  });
});
