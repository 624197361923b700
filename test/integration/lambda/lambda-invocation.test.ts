import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { dynamoDbClient } from "../../../shared/storage/dynamodb/client.ts";
import { LambdaInvocation } from "../../../shared/storage/lambda/lambda-invocation.ts";
import { startLambdaService } from "../../fixtures/lambda-service.ts";
import { CREDENTIALS } from "../../fixtures/signature.ts";

const events: unknown[] = [];
let lambda: Awaited<ReturnType<typeof startLambdaService>>;
beforeAll(async () => {
  lambda = await startLambdaService((functionName, event) => events.push([functionName, event]));
});
beforeEach(() => lambda.answerWith(202));
afterAll(() => lambda.stop());

const client = (credentials = CREDENTIALS) => dynamoDbClient({ region: "eu-west-1", credentials });
const invocation = (from = client(), url = lambda.url) => new LambdaInvocation(from, "prod-produce", new URL(url));

describe("an asynchronous invocation", () => {
  it("is signed as Lambda checks it, and taken", async () => {
    await invocation().invoke('{"a":"ä"}');
    expect(events.splice(0)).toEqual([["prod-produce", { a: "ä" }]]);
  });

  it("goes over kept connections, many at a time", async () => {
    const one = invocation();
    await Promise.all(Array.from({ length: 100 }, (_, index) => one.invoke(`{"n":${index}}`)));
    expect(events.splice(0)).toHaveLength(100);
  });

  it("that is refused was certainly not taken, and one that is throttled says so", async () => {
    const refused = { code: "UNKNOWN_SERVER_ERROR", outcome: "none" };
    lambda.answerWith(403);
    await expect(invocation().invoke("{}")).rejects.toMatchObject(refused);
    lambda.answerWith(429);
    await expect(invocation().invoke("{}")).rejects.toMatchObject({
      code: "THROTTLING_QUOTA_EXCEEDED",
      outcome: "none",
    });
    lambda.answerWith(202);
    await expect(invocation().invoke(JSON.stringify("x".repeat(1_000_000)))).rejects.toMatchObject(refused);
    const other = client({ ...CREDENTIALS, secretAccessKey: "another" });
    await expect(invocation(other).invoke("{}")).rejects.toMatchObject({ outcome: "none" });
    expect(events.splice(0)).toEqual([]);
  });

  it("that breaks off may have been taken, and one that found nobody was not", async () => {
    lambda.answerWith(500);
    await expect(invocation().invoke("{}")).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR", outcome: "unknown" });
    const nobody = invocation(client(), "http://127.0.0.1:9");
    await expect(nobody.invoke("{}")).rejects.toMatchObject({ code: "KAFKA_STORAGE_ERROR", outcome: "none" });
  });

  it("tells no credentials in what it fails with", async () => {
    lambda.answerWith(403);
    const error = await invocation()
      .invoke("{}")
      .catch((failure: Error) => failure);
    expect(JSON.stringify([error, (error as Error).cause, String(error)])).not.toMatch(/secret|token|ASIA/);
  });
});
