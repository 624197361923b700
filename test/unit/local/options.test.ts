import { describe, expect, it } from "vitest";
import { parseOptions } from "../../../local/options.ts";

describe("the options of the local service", () => {
  it("are Kafka REST's port on this machine and a folder beside it, unless told", () => {
    expect(parseOptions([])).toEqual({ host: "127.0.0.1", port: 8082, data: ".millrace" });
    expect(parseOptions(["--port", "9000", "--host", "::1", "--data", "/d"])).toEqual({
      host: "::1",
      port: 9000,
      data: "/d",
    });
    expect(parseOptions(["--memory"])).toMatchObject({ data: undefined });
    expect(parseOptions(["--help", "--port", "x"])).toBe("help");
  });

  it("name regions, which keep their data and have a port each", () => {
    expect(parseOptions(["--regions", "us-east-1, ap-southeast-2,us-gov-west-1"])).toEqual({
      host: "127.0.0.1",
      port: 8082,
      data: ".millrace",
      regions: ["us-east-1", "ap-southeast-2", "us-gov-west-1"],
    });
    expect(parseOptions(["--regions", "us-east-1", "--port", "65535"])).toMatchObject({ regions: ["us-east-1"] });
    expect(parseOptions(["--regions", "us-east-1,us-east-2", "--port", "0"])).toMatchObject({ port: 0 });
  });

  it("are refused in one line when they are wrong", () => {
    for (const wrong of [
      ["--port", ""],
      ["--port", "-1"],
      ["--port", "65536"],
      ["--port"],
      ["--host", ""],
      ["--data", ""],
      ["--no-such"],
      ["--memory", "--data", "d"],
      ["extra"],
      ["--regions"],
      ["--regions", ""],
      ["--regions", "mars"],
      ["--regions", "us-east-1,"],
      ["--regions", "us-east-1a"],
      ["--regions", "us-east-1,us-east-1"],
      ["--regions", "us-east-1,us-east-2,us-west-1,us-west-2,eu-west-1,eu-west-2"],
      ["--regions", "us-east-1", "--memory"],
      ["--regions", "us-east-1,us-east-2", "--port", "65535"],
    ]) {
      expect(parseOptions(wrong), wrong.join(" ")).toEqual({ problem: expect.stringMatching(/^[^\n]+$/) });
    }
  });
});
