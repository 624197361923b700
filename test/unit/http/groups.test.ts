import { describe, expect, it } from "vitest";
import { DEFAULT_GROUP_CONFIG } from "../../../shared/group/group-config.ts";
import { produce, topicOf } from "../../fixtures/broker.ts";
import { type Grouped, withGroups } from "../../fixtures/grouped-broker.ts";

// biome-ignore lint/suspicious/noExplicitAny: answers are looked into by tests, which fail where a field is missing
type Json = any;

const commit = ({ group }: Grouped, body: object) => group("/offsets", { body });
const at = (offset: number, topic = "orders", partition = 0) => ({
  topic_name: topic,
  partition_id: partition,
  offset,
});
const join = async ({ group }: Grouped, topics = ["orders"], more: object = {}): Promise<Json> => {
  const joining = { member_epoch: 0, rebalance_timeout_ms: 60_000, subscribed_topic_names: topics, ...more };
  const { body } = await group("/heartbeat", { body: joining });
  return body;
};
const offsetsOf = async ({ group }: Grouped): Promise<string[]> => {
  const { body } = await group("/offsets");
  return body.data.map((each: Json) => `${each.topic_name}-${each.partition_id}@${each.offset}`);
};

describe("consumer groups over HTTP", () => {
  it(
    "are listed and told of in Confluent's form",
    withGroups(async (grouped) => {
      const { broker, cluster, group } = grouped;
      await topicOf(broker, "orders", 2);
      const { member_id } = await join(grouped);
      const { status, body } = await group();
      expect([status, body.kind, body.state, body.type]).toEqual([200, "KafkaConsumerGroup", "STABLE", "CONSUMER"]);
      expect([body.partition_assignor, body.is_simple, body.is_mixed_consumer_group]).toEqual([
        "uniform",
        false,
        false,
      ]);
      expect(body.metadata.resource_name).toMatch(/^crn:\/\/\/kafka=[\w-]+\/consumer-group=g$/);
      expect(body.coordinator.related).toMatch(/\/brokers\/1$/);
      expect((await cluster("/consumer-groups")).body.data).toEqual([body]);

      const consumers = (await group("/consumers")).body;
      expect(consumers.kind).toBe("KafkaConsumerList");
      expect(consumers.data).toMatchObject([{ consumer_id: member_id, instance_id: null, client_id: "http" }]);
      expect((await group(`/consumers/${member_id}`)).body).toEqual(consumers.data[0]);
      const assigned = (await group(`/consumers/${member_id}/assignments`)).body.data;
      expect(assigned.map((each: Json) => [each.topic_name, each.partition_id])).toEqual([
        ["orders", 0],
        ["orders", 1],
      ]);
      const one = await group(`/consumers/${member_id}/assignments/orders/partitions/1`);
      expect(one.body).toEqual(assigned[1]);
      expect((await group(`/consumers/${member_id}/assignments/orders/partitions/2`)).status).toBe(404);
    }),
  );

  it(
    "tell how far they are behind, the furthest first",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders", 2);
      for (let n = 0; n < 5; n++) await produce(broker, "orders", [{ partition: 1 }]);
      await produce(broker, "orders", [{ partition: 0 }]);
      await commit(grouped, { offsets: [at(0), at(1, "orders", 1)] });
      const lags = (await group("/lags")).body.data;
      expect(lags.map((each: Json) => [each.partition_id, each.current_offset, each.log_end_offset, each.lag])).toEqual(
        [
          [1, 1, 5, 4],
          [0, 0, 1, 1],
        ],
      );
      expect(lags[0]).toMatchObject({ consumer_id: "", client_id: "", instance_id: null });
      expect((await group("/lags/orders/partitions/0")).body).toEqual(lags[1]);
      const { member_id } = await join(grouped);
      expect((await group("/lag-summary")).body).toMatchObject({
        max_lag_consumer_id: member_id,
        max_lag_partition_id: 1,
        max_lag: 4,
        total_lag: 5,
        metadata: { resource_name: expect.stringMatching(/consumer-group=g\/lag-summary$/) },
      });
    }),
  );

  it(
    "are 404 while nobody has made them, and have no lag before they commit",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      for (const path of ["", "/consumers", "/consumers/m", "/lags", "/lag-summary", "/offsets"]) {
        const { status, body } = await group(path);
        expect([path, status, body.kafka_error]).toEqual([path, 404, "GROUP_ID_NOT_FOUND"]);
      }
      await join(grouped);
      expect((await group("/lags")).status).toBe(404);
      expect((await group("/consumers/nobody")).body.kafka_error).toBe("UNKNOWN_MEMBER_ID");
    }),
  );

  it(
    "come page by page, whatever their ids",
    withGroups(async (grouped) => {
      const { broker, cluster } = grouped;
      await topicOf(broker, "orders");
      const ids = Array.from({ length: 230 }, (_, index) => `ü/${String(index).padStart(3, "0")}?`);
      for (const id of ids) {
        const path = `/consumer-groups/${encodeURIComponent(id)}/offsets`;
        expect((await cluster(path, { body: { offsets: [at(0)] } })).status).toBe(200);
      }
      const found: string[] = [];
      for (let path: string | null = "/consumer-groups"; path !== null; ) {
        const { body }: Json = await cluster(path);
        found.push(...body.data.map((each: Json) => each.consumer_group_id));
        path =
          body.metadata.next === null ? null : body.metadata.next.slice(body.metadata.next.indexOf("/consumer-groups"));
      }
      expect(found).toEqual(ids);
      expect((await cluster(`/consumer-groups/${encodeURIComponent(ids[0]!)}`)).body.state).toBe("EMPTY");
    }),
  );
});

describe("offsets over HTTP", () => {
  it(
    "are committed by an owner, in its epoch, and by nobody else",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const { member_id, member_epoch } = await join(grouped);
      const owner = { member_id, member_epoch };
      expect((await commit(grouped, { ...owner, offsets: [{ ...at(7), metadata: "note" }] })).status).toBe(200);
      const stranger = await commit(grouped, { member_id: "other", member_epoch, offsets: [at(8)] });
      expect([stranger.status, stranger.body.kafka_error]).toEqual([404, "UNKNOWN_MEMBER_ID"]);
      const ahead = await commit(grouped, { member_id, member_epoch: member_epoch + 1, offsets: [at(8)] });
      expect([ahead.status, ahead.body.kafka_error]).toEqual([409, "STALE_MEMBER_EPOCH"]);
      const nobody = await commit(grouped, { offsets: [at(8)] });
      expect([nobody.status, nobody.body.kafka_error]).toEqual([404, "UNKNOWN_MEMBER_ID"]);
      expect(nobody.body.hint).toMatch(/stop its consumers/);
      const { body } = await grouped.group("/offsets?topic_name=orders&partition_id=0");
      expect(body.data).toMatchObject([{ offset: 7, metadata: "note", leader_epoch: -1 }]);
    }),
  );

  it(
    "that are not the member's are refused alone, with a hint",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders", 1);
      await topicOf(grouped.broker, "bills", 1);
      const { member_id, member_epoch } = await join(grouped);
      const mixed = { member_id, member_epoch, offsets: [at(1), at(1, "bills"), at(1, "nothing")] };
      const { status, body } = await commit(grouped, mixed);
      expect(status).toBe(207);
      expect(body.data.map((each: Json) => each.kafka_error ?? each.error_code)).toEqual([
        200,
        "STALE_MEMBER_EPOCH",
        "UNKNOWN_TOPIC_OR_PARTITION",
      ]);
      expect(body.data[1].hint).toBeDefined();
      const alone = await commit(grouped, { member_id, member_epoch, offsets: [at(1, "bills")] });
      expect([alone.status, alone.body.kafka_error]).toEqual([409, "STALE_MEMBER_EPOCH"]);
      expect(await offsetsOf(grouped)).toEqual(["orders-0@1"]);
    }),
  );

  it(
    "are read by a member in its epoch alone, so that it begins where the owner before it stopped",
    withGroups(async (grouped) => {
      await topicOf(grouped.broker, "orders");
      const { member_id, member_epoch } = await join(grouped);
      const fenced = await grouped.group(`/offsets?member_id=${member_id}&member_epoch=${member_epoch + 1}`);
      expect([fenced.status, fenced.body.kafka_error]).toEqual([409, "STALE_MEMBER_EPOCH"]);
      expect((await grouped.group(`/offsets?member_id=${member_id}&member_epoch=${member_epoch}`)).status).toBe(200);
    }),
  );

  it(
    "are reset while nobody consumes: told first, then done",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders", 2);
      for (let n = 0; n < 4; n++) await produce(broker, "orders", [{ partition: 0, timestamp: 1_000 * n }]);
      await commit(grouped, { offsets: [at(2), at(0, "orders", 1)] });
      const reset = async (body: object) => {
        const answered = await group("/offsets:reset", { body });
        const told = answered.body.data?.map((each: Json) => `${each.committed_offset}>${each.new_offset}`);
        return told === undefined ? [answered.status, answered.body.kafka_error] : told;
      };
      expect(await reset({ to: "latest", dry_run: true })).toEqual(["2>4", "0>0"]);
      expect(await offsetsOf(grouped)).toEqual(["orders-0@2", "orders-1@0"]);
      expect(await reset({ to: "timestamp", timestamp: 2_500 })).toEqual(["2>3", "0>0"]);
      expect(
        await reset({ to: "shift-by", shift_by: -2, partitions: [{ topic_name: "orders", partition_id: 0 }] }),
      ).toEqual(["3>1"]);
      expect(await reset({ to: "offset", offset: 1_000, topics: ["orders"] })).toEqual(["1>4", "0>0"]);
      expect(await reset({ to: "earliest" })).toEqual(["4>0", "0>0"]);
      expect(await offsetsOf(grouped)).toEqual(["orders-0@0", "orders-1@0"]);
      expect((await group("/offsets:reset", { body: { to: "offset" } })).status).toBe(400);
      expect(await reset({ to: "latest", topics: ["nothing"] })).toEqual([404, "UNKNOWN_TOPIC_OR_PARTITION"]);
      await join(grouped);
      expect(await reset({ to: "latest" })).toEqual([409, "NON_EMPTY_GROUP"]);
    }),
  );

  it(
    "and groups are deleted when nobody uses them",
    withGroups(async (grouped) => {
      const { broker, group } = grouped;
      await topicOf(broker, "orders");
      await topicOf(broker, "bills");
      await commit(grouped, { offsets: [at(1), at(2, "bills")] });
      const { member_id } = await join(grouped);
      const remove = (path: string) => group(path, { method: "DELETE" });
      expect((await remove("/offsets?topic_name=orders")).body.kafka_error).toBe("GROUP_SUBSCRIBED_TO_TOPIC");
      expect((await remove("/offsets")).status).toBe(400);
      expect((await remove("/offsets?topic_name=bills")).status).toBe(200);
      expect((await remove("/offsets?topic_name=bills")).status).toBe(404);
      expect(await offsetsOf(grouped)).toEqual(["orders-0@1"]);
      const inUse = await remove("");
      expect([inUse.status, inUse.body.kafka_error]).toEqual([409, "NON_EMPTY_GROUP"]);
      await group("/heartbeat", { body: { member_id, member_epoch: -1 } });
      expect((await remove("")).status).toBe(204);
      expect((await group()).status).toBe(404);
      expect((await remove("")).status).toBe(404);
      await commit(grouped, { offsets: [at(9, "bills")] });
      expect(await offsetsOf(grouped)).toEqual(["bills-0@9"]);
    }),
  );
});

describe("what is wrong with a request about groups", () => {
  const refused = async (asked: ReturnType<Grouped["group"]>) => {
    const { status, body } = await asked;
    expect(body.hint ?? body.message, body.kafka_error).toBeDefined();
    return [status, body.kafka_error ?? body.error_code];
  };

  it(
    "is told with Kafka's error, and leaves the group unharmed",
    withGroups(async (grouped) => {
      const { broker, group, cluster } = grouped;
      await topicOf(broker, "orders");
      const { member_id, member_epoch } = await join(grouped);
      const before = JSON.stringify((await group("/consumers")).body);
      const heartbeat = (body: object) => refused(group("/heartbeat", { body }));
      const poll = (body: object) => refused(group("/poll", { body }));
      const joining = { member_epoch: 0, rebalance_timeout_ms: 60_000, subscribed_topic_names: ["orders"] };

      expect(await heartbeat({ ...joining, member_epoch: -3 })).toEqual([400, 400]);
      expect(await heartbeat({ ...joining, rebalance_timeout_ms: 0 })).toEqual([400, "INVALID_REQUEST"]);
      expect(await heartbeat({ ...joining, rebalance_timeout_ms: 1e15 })).toEqual([400, "INVALID_REQUEST"]);
      expect(await heartbeat({ ...joining, subscribed_topic_names: [] })).toEqual([400, "INVALID_REQUEST"]);
      const many = Array.from({ length: 10_000 }, (_, index) => `t${index}`);
      expect(await heartbeat({ ...joining, subscribed_topic_names: many })).toEqual([400, "INVALID_REQUEST"]);
      expect(await heartbeat({ ...joining, subscribed_topic_regex: "(a*)*b(?=c)" })).toEqual([
        400,
        "INVALID_REGULAR_EXPRESSION",
      ]);
      expect(await heartbeat({ ...joining, server_assignor: "mine" })).toEqual([400, "UNSUPPORTED_ASSIGNOR"]);
      expect(await heartbeat({ ...joining, member_id: "" })).toEqual([400, "INVALID_REQUEST"]);
      expect(await heartbeat({ member_id, member_epoch: member_epoch + 5 })).toEqual([409, "FENCED_MEMBER_EPOCH"]);
      expect(await heartbeat({ member_id: "nobody", member_epoch })).toEqual([404, "UNKNOWN_MEMBER_ID"]);
      expect(await heartbeat({ ...joining, topics: [] })).toEqual([400, 400]);

      expect(await poll({ ...joining })).toEqual([400, 400]);
      expect(await poll({ topics: ["orders"], timeout_ms: 60_000 })).toEqual([400, 400]);
      expect(await poll({ topics: many })).toEqual([400, "INVALID_REQUEST"]);
      expect(await poll({ topics: ["orders"], auto_offset_reset: "middle" })).toEqual([400, 400]);
      expect(await poll({})).toEqual([400, "INVALID_REQUEST"]);

      expect(await refused(commit(grouped, { offsets: [] }))).toEqual([400, 400]);
      expect(await refused(commit(grouped, { offsets: [at(-1)] }))).toEqual([400, 400]);
      const twice = { member_id, member_epoch, offsets: [at(1), at(2)] };
      expect(await refused(commit(grouped, twice))).toEqual([400, "INVALID_REQUEST"]);
      const noted = { member_id, member_epoch, offsets: [{ ...at(1), metadata: "x".repeat(5_000) }] };
      expect(await refused(commit(grouped, noted))).toEqual([422, "OFFSET_METADATA_TOO_LARGE"]);
      expect(await refused(cluster(`/consumer-groups/${"x".repeat(256)}`))).toEqual([400, "INVALID_GROUP_ID"]);
      expect(await refused(group("/offsets?partition_id=0"))).toEqual([400, 400]);

      expect(JSON.stringify((await group("/consumers")).body)).toBe(before);
      expect((await group()).body.state).toBe("STABLE");
    }),
  );

  it(
    "is a member too many",
    withGroups(
      async (grouped) => {
        await topicOf(grouped.broker, "orders");
        await join(grouped);
        const { kafka_error } = await join(grouped);
        expect(kafka_error).toBe("GROUP_MAX_SIZE_REACHED");
      },
      { groupConfig: { ...DEFAULT_GROUP_CONFIG, maxSize: 1 } },
    ),
  );
});
