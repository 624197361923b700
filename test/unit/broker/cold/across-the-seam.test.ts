import { describe, expect, it } from "vitest";
import {
  EARLIEST_LOCAL_TIMESTAMP,
  EARLIEST_TIMESTAMP,
  LATEST_TIERED_TIMESTAMP,
  LATEST_TIMESTAMP,
  listOffsets,
} from "../../../../shared/broker/list-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { RECORD_BATCHES_TYPE } from "../../../../shared/http/http-message.ts";
import { produce, topicOf } from "../../../fixtures/broker.ts";
import { ALL_VALUES, fetchFrom, filled, halfCold } from "../../../fixtures/half-cold.ts";
import { answer, send } from "../../../fixtures/http.ts";
import { seen } from "../../../fixtures/regions.ts";
import { tieredParts } from "../../../fixtures/tiered-log.ts";

describe("a reader of a log that is cold in part", () => {
  it("notices no seam", async () => {
    const { broker, segments } = await halfCold();
    expect(segments.length).toBeGreaterThan(2);
    expect(await seen(broker, "t")).toEqual(ALL_VALUES);
    for (const offset of [1, 2, 39, 40, 41, 59])
      expect(await seen(broker, "t", offset)).toEqual(ALL_VALUES.slice(offset));
  });

  it("is told of both starts and the highWatermark, wherever it reads", async () => {
    const { broker } = await halfCold();
    for (const offset of [0, 39, 40, 60]) {
      expect(await fetchFrom(broker, offset)).toMatchObject({
        logStartOffset: 0,
        localLogStartOffset: 40,
        highWatermark: 60,
      });
    }
  });

  it("gets whole batches from the one that contains the offset, up to maxBytes, the first whatever its size", async () => {
    const { broker } = await halfCold();
    expect(await fetchFrom(broker, 3, { maxBytes: 1 })).toMatchObject({ offsets: [[2, 3]], nextOffset: 4 });
    expect(await fetchFrom(broker, 39, { maxBytes: 1 })).toMatchObject({ offsets: [[38, 39]], nextOffset: 40 });
    expect(await fetchFrom(broker, 38, { maxBytes: 300, minBytes: 300 })).toMatchObject({ offsets: [[38, 39]] });
  });

  it("that waits for more bytes than a segment has left gets them from behind it, across the seam too", async () => {
    const { broker, segments } = await halfCold();
    expect(await fetchFrom(broker, 0, { minBytes: 1 << 20, maxWaitMs: 0 })).toMatchObject({
      nextOffset: segments[0]!.content.lastOffset + 1,
    });
    const whole = await fetchFrom(broker, 0, { minBytes: 4_500, maxWaitMs: 20_000 });
    expect(whole).toMatchObject({ nextOffset: 60 });
  });

  it("may take more of what is cold than of what is hot", async () => {
    const { broker } = await halfCold();
    expect(await fetchFrom(broker, 0, { maxBytes: 1, maxColdBytes: 500 })).toMatchObject({
      offsets: [
        [0, 1],
        [2, 3],
      ],
    });
    expect(await fetchFrom(broker, 40, { maxBytes: 1, maxColdBytes: 500 })).toMatchObject({ offsets: [[40, 41]] });
  });

  it("waits at the log's end as ever", async () => {
    const { broker } = await halfCold();
    const waiting = fetchFrom(broker, 60, { maxWaitMs: 20_000 });
    await produce(broker, "t", [{ partition: 0 }]);
    expect(await waiting).toMatchObject({ offsets: [[60, 60]] });
    expect(await fetchFrom(broker, 62)).toMatchObject({ code: "OFFSET_OUT_OF_RANGE", highWatermark: 61 });
  });

  it("finds offsets by timestamp in segments and behind them", async () => {
    const { broker } = await halfCold();
    const offsets = async (timestamp: number) => {
      const listed = await listOffsets(broker, { topic: "t", partition: 0, timestamp });
      return listed.ok ? [listed.value.offset, listed.value.timestamp] : listed.refusal.code;
    };
    for (const at of [0, 1, 17, 38, 39, 40, 41, 59]) expect(await offsets(1_000 + at)).toEqual([at, 1_000 + at]);
    expect(await offsets(0)).toEqual([0, 1_000]);
    expect(await offsets(1_060)).toEqual([-1, -1]);
    expect(await offsets(EARLIEST_TIMESTAMP)).toEqual([0, -1]);
    expect(await offsets(LATEST_TIMESTAMP)).toEqual([60, -1]);
    expect(await offsets(EARLIEST_LOCAL_TIMESTAMP)).toEqual([40, -1]);
    expect(await offsets(LATEST_TIERED_TIMESTAMP)).toEqual([39, -1]);
    expect(await offsets(-6)).toBe("INVALID_REQUEST");
  });

  it("of a log without segments is told that all is local, and nothing is tiered", async () => {
    const broker = openBroker(tieredParts());
    await topicOf(broker, "t");
    for (const [timestamp, offset] of [
      [EARLIEST_LOCAL_TIMESTAMP, 0],
      [LATEST_TIERED_TIMESTAMP, -1],
    ] as const) {
      expect(await listOffsets(broker, { topic: "t", partition: 0, timestamp })).toMatchObject({
        ok: true,
        value: { offset },
      });
    }
  });
});

describe("the face", () => {
  const path = "/topics/t/partitions/0";
  const open = async () => {
    const { broker } = await halfCold();
    const { body } = await answer(send(broker, "/v3/clusters"));
    return { broker, cluster: `/v3/clusters/${body.data[0].cluster_id}` };
  };

  it("tells where a log begins to be read from its items", async () => {
    const { broker, cluster } = await open();
    const { body } = await answer(send(broker, `${cluster}${path}/records?offset=3&max_bytes=1`));
    expect(body.metadata).toMatchObject({ log_start_offset: 0, local_log_start_offset: 40, high_watermark: 60 });
    expect(body.data.map(({ offset }: { offset: number }) => offset)).toEqual([3]);
    const { headers } = await send(broker, `${cluster}${path}/records`, {
      headers: { accept: RECORD_BATCHES_TYPE },
    });
    expect(headers).toMatchObject({ "millrace-log-start-offset": "0", "millrace-local-log-start-offset": "40" });
    expect((await answer(send(broker, `${cluster}${path}/offset`))).body).toMatchObject({
      earliest_offset: 0,
      latest_offset: 60,
      earliest_local_offset: 40,
      latest_tiered_offset: 39,
    });
  });

  it("begins a fetch there, or at what lies last in a segment", async () => {
    const { broker, cluster } = await open();
    const first = async (query: string, of = broker) => {
      const { body } = await answer(send(of, `${cluster}${path}/records?max_bytes=1&${query}`));
      return body.data?.[0]?.offset ?? body.message;
    };
    expect(await first("offset=earliest_local")).toBe(40);
    expect(await first("offset=latest_tiered")).toBe(39);
    expect(await first("offset=earliest")).toBe(0);
    expect(await first("timestamp=1017")).toBe(17);
    expect(await first("offset=somewhere")).toContain("earliest_local");
    const hot = tieredParts();
    await filled(hot, 2);
    const of = openBroker(hot);
    const { body } = await answer(send(of, "/v3/clusters"));
    const records = `/v3/clusters/${body.data[0].cluster_id}${path}/records`;
    expect((await answer(send(of, `${records}?offset=latest_tiered`))).body.data[0].offset).toBe(0);
  });
});
