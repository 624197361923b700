import { describe, expect, it } from "vitest";
import { originOfEvent, requestFromEvent } from "../../../shared/http/apigateway-event.ts";
import { dispatch } from "../../../shared/http/dispatch.ts";
import { ALL_ROUTES } from "../../fixtures/http.ts";
import { V2, withEndpoints } from "./v2-consumer-calls.ts";

describe("a consumer instance of the REST Proxy v2 on AWS", () => {
  it(
    "is found under base_uri behind a stage, a custom domain's base path and with a slash at the end",
    withEndpoints(async ({ broker }) => {
      const through = async (host: string, path: string, proxy: string, method = "POST") => {
        const event = {
          httpMethod: method,
          path,
          resource: "/{proxy+}",
          pathParameters: { proxy },
          headers: { Host: host, "Content-Type": V2 },
          requestContext: { stage: "prod", domainName: host },
          body: null,
        } as unknown as Parameters<typeof requestFromEvent>[0];
        return dispatch(broker, ALL_ROUTES, requestFromEvent(event), originOfEvent(event));
      };
      const uriOf = async (...at: [host: string, path: string, proxy: string]) =>
        JSON.parse(String((await through(...at)).body)).base_uri as string;
      const aws = "abc.execute-api.eu-west-1.amazonaws.com";
      expect(await uriOf(aws, "/consumers/g1", "consumers/g1")).toMatch(
        new RegExp(`^https://${aws}/prod/consumers/g1/instances/rest-consumer-`),
      );
      const own = await uriOf("kafka.example.com", "/base/consumers/g%2F1/", "consumers/g%2F1");
      expect(own).toMatch(/^https:\/\/kafka\.example\.com\/base\/consumers\/g%2F1\/instances\/rest-consumer-/);
      const { pathname } = new URL(own);
      const proxy = `${pathname.slice("/base/".length)}/`;
      expect((await through("kafka.example.com", `${pathname}/`, proxy, "DELETE")).status).toBe(204);
    }),
  );
});
