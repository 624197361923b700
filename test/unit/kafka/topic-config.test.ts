import { describe, expect, it } from "vitest";
import { TOPIC_CONFIGS } from "../../../shared/kafka/topic-config.ts";
import { topicConfigValues } from "../../../shared/kafka/topic-config-values.ts";
import { namesCollide, topicNameRefusal } from "../../../shared/kafka/topic-name.ts";
import { configRefusal } from "../../../shared/kafka/validate-config.ts";

describe("topic configs", () => {
  it("have defaults that they themselves allow", () => {
    for (const { name, defaultValue } of TOPIC_CONFIGS.values())
      expect([name, configRefusal(name, defaultValue)]).toEqual([name, undefined]);
  });

  it("are checked by type and range, with a hint", () => {
    const refused: [string, string][] = [
      ["min.cleanable.dirty.ratio", "1.1"],
      ["min.insync.replicas", "0"],
      ["min.insync.replicas", "1.5"],
      ["preallocate", "yes"],
      ["cleanup.policy", ""],
      ["cleanup.policy", "delete,burn"],
      ["retention.ms", ""],
      ["millrace.inline.max.bytes", "262145"],
    ];
    for (const [name, value] of refused) {
      expect([name, configRefusal(name, value)]).toEqual([
        name,
        expect.objectContaining({ code: "INVALID_CONFIG", hint: expect.any(String) }),
      ]);
    }
    for (const [name, value] of [
      ["cleanup.policy", "compact, delete"],
      ["preallocate", "TRUE"],
      ["retention.ms", "-1"],
    ] as const) {
      expect([name, configRefusal(name, value)]).toEqual([name, undefined]);
    }
  });

  it("that are unknown are answered with the nearest known one", () => {
    expect(configRefusal("retention.millis", "1")?.hint).toBe("did you mean retention.ms?");
    expect(configRefusal("retntion.ms", "1")?.hint).toBe("did you mean retention.ms?");
    expect(configRefusal("retention_ms", "1")?.hint).toBe("did you mean retention.ms?");
    for (const far of ["orders", "", "constructor", "x".repeat(3_000)]) {
      expect([far, configRefusal(far, null)]).toEqual([
        far,
        expect.objectContaining({
          code: "INVALID_CONFIG",
          hint: expect.stringMatching(/^known are: cleanup\.policy, /),
        }),
      ]);
    }
  });

  it("are read with their defaults", () => {
    expect(topicConfigValues({})).toMatchObject({
      maxMessageBytes: 1_048_588,
      inlineMaxBytes: 32_768,
      isCompacted: false,
      messageTimestampType: "CreateTime",
    });
    expect(topicConfigValues({ "cleanup.policy": "delete, compact" }).isCompacted).toBe(true);
  });
});

describe("topic names", () => {
  it("are Kafka's", () => {
    for (const name of ["a", "A.b_c-9", "x".repeat(249), "..."])
      expect([name, topicNameRefusal(name)]).toEqual([name, undefined]);
    for (const name of ["", ".", "..", "x".repeat(250), "a b", "a/b", "a\n", "naïve"])
      expect([name, topicNameRefusal(name)?.code]).toEqual([name, "INVALID_TOPIC_EXCEPTION"]);
  });

  it("that differ only in dots and underscores collide", () => {
    expect([namesCollide("a.b", "a_b"), namesCollide("a.b", "a.b"), namesCollide("a.b", "a-b")]).toEqual([
      true,
      false,
      false,
    ]);
  });
});
