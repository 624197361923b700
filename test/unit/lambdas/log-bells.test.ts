import { describe, expect, it } from "vitest";
import { logBells } from "../../../lambdas/replicator/log-bells.ts";

const TOPIC = "066e9d84-a943-448b-8edc-1cab37536d70";

const record = (tp: string, baseOffset: number | string, eventName = "INSERT") => ({
  eventID: "1",
  eventName,
  eventSource: "aws:dynamodb",
  dynamodb: {
    Keys: { tp: { S: tp }, baseOffset: { N: String(baseOffset) } },
    SequenceNumber: "100",
    StreamViewType: "KEYS_ONLY",
  },
});

describe("the bells in a batch of the log table's stream", () => {
  it("are the logs that something was put into, each with its largest offset", () => {
    const Records = [
      record(`${TOPIC}#0`, 5),
      record(`${TOPIC}#1`, 0),
      record(`${TOPIC}#0`, 9, "MODIFY"),
      record(`${TOPIC}#0`, 7),
    ];
    expect(logBells({ Records })).toEqual(
      new Map([
        [`${TOPIC}#0`, 9],
        [`${TOPIC}#1`, 0],
      ]),
    );
  });

  it("are none for checkpoints, for what is removed, and for what nobody knows", () => {
    const Records = [
      record(`${TOPIC}#0#checkpoint`, 0),
      record(`${TOPIC}#0#checkpoint`, "123456789012345678901234567890"),
      record(`${TOPIC}#0`, 3, "REMOVE"),
      record(`${TOPIC}`, 3),
      record("something-else", 3),
      record(`${TOPIC}#x`, 3),
      record(`${TOPIC}#0`, "-1"),
      record(`${TOPIC}#0`, "99999999999999999999"),
      { dynamodb: {} },
      { dynamodb: { Keys: { tp: { N: "1" }, baseOffset: { S: "1" } } } },
      { dynamodb: { Keys: { other: { S: "x" } } } },
    ];
    expect(logBells({ Records })).toEqual(new Map());
    expect(logBells({ Records: [] })).toEqual(new Map());
  });

  it("are not looked for in another event: a schedule's, or one made by hand", () => {
    const scheduled = { source: "aws.events", "detail-type": "Scheduled Event", detail: {} };
    for (const event of [undefined, null, {}, scheduled, { Records: "x" }, { Records: [null] }, { Records: [{}] }]) {
      expect(logBells(event)).toBeUndefined();
    }
  });
});
