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
    ]) {
      expect(parseOptions(wrong), wrong.join(" ")).toEqual({ problem: expect.stringMatching(/^[^\n]+$/) });
    }
  });
});
