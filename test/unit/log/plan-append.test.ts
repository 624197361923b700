import { describe, expect, it } from "vitest";
import { type AppendRequest, planAppend } from "../../../shared/log/append.ts";
import { joinBatches } from "../../../shared/log/item-batches.ts";
import {
  beginningOfLog,
  checkpointed,
  fold,
  fromCheckpoint,
  isCheckpointDue,
  type LogState,
  toCheckpoint,
} from "../../../shared/log/log-state.ts";
import { BATCHES_KEPT, PRODUCERS_KEPT } from "../../../shared/log/producer-state.ts";
import { encodeBatch } from "../../../shared/record/encode-batch.ts";
import { batchHeaders } from "../../../shared/record/read-batch-header.ts";
import { item } from "../../contract/log-store.contract.ts";

interface Sent {
  readonly count?: number;
  readonly producer?: readonly [id: number, epoch: number, sequence: number];
  readonly expectedOffset?: number;
}

function request({ count = 1, producer, expectedOffset }: Sent = {}): AppendRequest {
  const records = Array.from({ length: count }, (_, index) => ({
    key: null,
    value: Buffer.from("v"),
    headers: [],
    timestamp: 100 + index,
  }));
  const [producerId, producerEpoch, baseSequence] = producer ?? [-1, -1, -1];
  const batches = encodeBatch(records, { producerId, producerEpoch, baseSequence });
  return { batches, headers: batchHeaders(batches), ...(expectedOffset === undefined ? {} : { expectedOffset }) };
}

/** The state after the requests were appended as one item. */
function append(state: LogState, ...requests: AppendRequest[]): LogState {
  const plan = planAppend(state, requests);
  const accepted = requests.filter((_, index) => plan.verdicts[index]!.kind === "append");
  const batches = joinBatches(accepted, state.logEndOffset, 0);
  return fold(
    state,
    item(state.logEndOffset, {
      lastOffset: plan.logEndOffset - 1,
      maxTimestampSoFar: 5,
      payload: { kind: "inline", batches },
    }),
  );
}

const verdict = (state: LogState, sent: Sent) => planAppend(state, [request(sent)]).verdicts[0]!;
const code = (state: LogState, sent: Sent) => {
  const found = verdict(state, sent);
  return found.kind === "refused" ? found.refusal.code : found.kind;
};

describe("appending", () => {
  it("gives a group of requests consecutive offsets", () => {
    const plan = planAppend({ ...beginningOfLog(0), logEndOffset: 10 }, [
      request({ count: 3 }),
      request(),
      request({ count: 2 }),
    ]);
    expect(plan.verdicts).toEqual([
      { kind: "append", baseOffset: 10, lastOffset: 12 },
      { kind: "append", baseOffset: 13, lastOffset: 13 },
      { kind: "append", baseOffset: 14, lastOffset: 15 },
    ]);
    expect(plan).toMatchObject({ logEndOffset: 16, recordCount: 6, maxTimestamp: 102 });
  });

  it("patches the batches of a group to their offsets", () => {
    const joined = joinBatches([request({ count: 3 }), request()], 10, 4);
    expect(
      batchHeaders(joined).map(({ header }) => [header.baseOffset, header.lastOffset, header.partitionLeaderEpoch]),
    ).toEqual([
      [10, 12, 4],
      [13, 13, 4],
    ]);
  });

  it("on a condition takes only the offset it expects", () => {
    const state = append(beginningOfLog(0), request({ count: 5 }));
    expect(code(state, { expectedOffset: 5 })).toBe("append");
    expect(verdict(state, { expectedOffset: 4 })).toMatchObject({
      kind: "refused",
      isFinal: true,
      refusal: { code: "EXPECTED_OFFSET_MISMATCH", logEndOffset: 5 },
    });
    expect(verdict(state, { expectedOffset: 6 })).toMatchObject({ kind: "refused", isFinal: false });
  });

  it("lets only one of a group have an expected offset", () => {
    const plan = planAppend(beginningOfLog(0), [request({ expectedOffset: 0 }), request({ expectedOffset: 0 })]);
    expect(plan.verdicts.map(({ kind }) => kind)).toEqual(["append", "refused"]);
  });
});

describe("an idempotent producer", () => {
  const begun = append(beginningOfLog(0), request({ count: 3, producer: [7, 0, 0] }));

  it("goes on with the next sequence", () => {
    expect(code(begun, { producer: [7, 0, 3] })).toBe("append");
  });

  it("is answered a duplicate with the offsets it was given", () => {
    const state = append(begun, request({ count: 2, producer: [7, 0, 3] }), request());
    expect(verdict(state, { count: 3, producer: [7, 0, 0] })).toEqual({
      kind: "duplicate",
      baseOffset: 0,
      lastOffset: 2,
    });
    expect(verdict(state, { count: 2, producer: [7, 0, 3] })).toEqual({
      kind: "duplicate",
      baseOffset: 3,
      lastOffset: 4,
    });
  });

  it("has a repetition within one group recognised", () => {
    const plan = planAppend(begun, [request({ producer: [7, 0, 3] }), request({ producer: [7, 0, 3] })]);
    expect(plan.verdicts).toEqual([
      { kind: "append", baseOffset: 3, lastOffset: 3 },
      { kind: "duplicate", baseOffset: 3, lastOffset: 3 },
    ]);
  });

  it("is out of order with a gap, an old sequence, or a batch cut otherwise", () => {
    expect(code(begun, { producer: [7, 0, 4] })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(code(begun, { producer: [7, 0, 2] })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(code(begun, { count: 2, producer: [7, 0, 0] })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
  });

  it("is remembered by its last five batches", () => {
    let state = beginningOfLog(0);
    for (let sequence = 0; sequence <= BATCHES_KEPT; sequence++)
      state = append(state, request({ producer: [7, 0, sequence] }));
    expect(code(state, { producer: [7, 0, 0] })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    expect(code(state, { producer: [7, 0, 1] })).toBe("duplicate");
  });

  it("is fenced by a higher epoch, which begins at sequence 0", () => {
    expect(code(begun, { producer: [7, 1, 5] })).toBe("OUT_OF_ORDER_SEQUENCE_NUMBER");
    const taken = append(begun, request({ producer: [7, 1, 0] }));
    expect(verdict(taken, { producer: [7, 0, 3] })).toMatchObject({
      isFinal: true,
      refusal: { code: "INVALID_PRODUCER_EPOCH" },
    });
  });

  it("that the log does not know may start anywhere, as in Kafka", () => {
    expect(code(begun, { producer: [8, 3, 100] })).toBe("append");
  });

  it("goes on at 0 behind the largest sequence", () => {
    const state = append(beginningOfLog(0), request({ count: 2, producer: [7, 0, 2 ** 31 - 2] }));
    expect(code(state, { producer: [7, 0, 0] })).toBe("append");
    const wrapped = append(beginningOfLog(0), request({ count: 4, producer: [7, 0, 2 ** 31 - 2] }));
    expect(code(wrapped, { producer: [7, 0, 2] })).toBe("append");
  });

  it("is forgotten when thousands of others have appended since, the one that was idle longest first", () => {
    let state = begun;
    for (let from = 0; from < PRODUCERS_KEPT; from += 512) {
      state = append(
        state,
        ...Array.from({ length: 512 }, (_, index) => request({ producer: [1000 + from + index, 0, 0] })),
      );
    }
    expect(state.producers.size).toBe(PRODUCERS_KEPT);
    expect([state.producers.has(7), state.producers.has(1000)]).toEqual([false, true]);
  });
});

describe("a checkpoint", () => {
  it("holds all that an append has to know", () => {
    const state = append(append(beginningOfLog(0), request({ count: 3, producer: [7, 0, 0] })), request());
    expect(fromCheckpoint(structuredClone(toCheckpoint(state)))).toEqual(checkpointed(state));
  });

  it("is due after a thousand items or four megabytes", () => {
    const state = append(beginningOfLog(0), request());
    expect(isCheckpointDue(state)).toBe(false);
    expect(isCheckpointDue({ ...state, itemsSinceCheckpoint: 1000 })).toBe(true);
    expect(isCheckpointDue({ ...state, bytesSinceCheckpoint: 4 * 1024 * 1024 })).toBe(true);
    expect(isCheckpointDue(checkpointed({ ...state, itemsSinceCheckpoint: 1000 }))).toBe(false);
  });
});
