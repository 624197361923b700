import { describe, expect, it } from "vitest";
import { givenEndpoints, useEmbedded, useGiven } from "../../../local/aws-environment.ts";
import { StartupError } from "../../../local/startup-error.ts";

const OWN = { AWS_ACCESS_KEY_ID: "AKIAOWN", AWS_SECRET_ACCESS_KEY: "own", AWS_SESSION_TOKEN: "own-token" };
const LOCAL = "http://127.0.0.1:4566";

describe("the AWS environment of the local service", () => {
  it("keeps the user's credentials and settings from the embedded store", () => {
    const environment = {
      ...OWN,
      AWS_PROFILE: "work",
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_USE_FIPS_ENDPOINT: "true",
      AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: "true",
    };
    useEmbedded(environment, LOCAL);
    expect(environment).toEqual({
      AWS_ACCESS_KEY_ID: "millrace",
      AWS_SECRET_ACCESS_KEY: "millrace",
      AWS_ENDPOINT_URL_DYNAMODB: LOCAL,
      AWS_DEFAULT_REGION: "eu-west-1",
      AWS_REGION: "eu-west-1",
    });
  });

  it("leaves the user's credentials as they are for an endpoint that they gave", () => {
    for (const endpoint of [LOCAL, "https://dynamodb.eu-west-1.amazonaws.com"]) {
      const environment = { ...OWN, AWS_REGION: "eu-west-1" };
      useGiven(environment, endpoint);
      expect(environment).toEqual({ ...OWN, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL_DYNAMODB: endpoint });
    }
    const environment = { AWS_PROFILE: "work" };
    useGiven(environment, LOCAL);
    expect(environment).toMatchObject({ AWS_PROFILE: "work" });
    expect(environment).not.toHaveProperty("AWS_ACCESS_KEY_ID");
  });

  it("makes credentials up for an endpoint on this machine alone", () => {
    for (const endpoint of ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1"]) {
      const environment = { AWS_REGION: "" };
      useGiven(environment, endpoint);
      expect(environment).toMatchObject({ AWS_ACCESS_KEY_ID: "millrace", AWS_REGION: "us-east-1" });
    }
    const environment = {};
    useGiven(environment, "https://localhost.example.com");
    expect(environment).not.toHaveProperty("AWS_ACCESS_KEY_ID");
  });

  it("takes an endpoint for everything, or for DynamoDB alone, and an empty one for none", () => {
    const [all, one, other] = ["http://a", "http://b", "http://c"];
    expect(givenEndpoints({})).toEqual({});
    expect(givenEndpoints({ AWS_ENDPOINT_URL: "" })).toEqual({});
    expect(givenEndpoints({ AWS_ENDPOINT_URL: all })).toEqual({ dynamoDb: all, s3: all });
    expect(givenEndpoints({ AWS_ENDPOINT_URL_DYNAMODB: one })).toEqual({ dynamoDb: one });
    expect(
      givenEndpoints({ AWS_ENDPOINT_URL: all, AWS_ENDPOINT_URL_DYNAMODB: one, AWS_ENDPOINT_URL_S3: other }),
    ).toEqual({ dynamoDb: one, s3: other });
  });

  it("refuses what is no URL, naming the variable", () => {
    for (const wrong of ["nonsense", "localhost:4566", "ftp://a", "http://"]) {
      expect(() => givenEndpoints({ AWS_ENDPOINT_URL_DYNAMODB: wrong })).toThrow(StartupError);
      expect(() => givenEndpoints({ AWS_ENDPOINT_URL_DYNAMODB: wrong })).toThrow(/^AWS_ENDPOINT_URL_DYNAMODB /);
    }
  });
});
