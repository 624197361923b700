import type { Broker } from "../../shared/broker/broker.ts";
import { fetch } from "../../shared/broker/fetch.ts";
import { intersection, isEmpty, listPartitions, partitionKey } from "../../shared/group/partitions-by-topic.ts";
import type { ClassicConsumer } from "./classic-consumer.ts";
import { textsOf } from "./clients.ts";
import type { GroupHistory } from "./group-history.ts";
import type { GroupTopics } from "./group-topics.ts";
import { NativeConsumer } from "./native-consumer.ts";
import type { PollConsumer } from "./poll-consumer.ts";
import type { RestConsumer } from "./rest-consumer.ts";

/** The groups of a simulation. */
export const CONSUMERS = "consumers";
export const CLASSICS = "classics";
/** What its members consume: they are not told when a topic is made anew, nor when one is added. */
export const CLASSIC_TOPICS: readonly string[] = ["t", "u"];

export interface GroupEnd {
  /** One whose stores do not fail. */
  readonly broker: Broker;
  readonly history: GroupHistory;
  readonly topics: GroupTopics;
}

export interface Sent {
  readonly topic: string;
  /** Of the topic that there was when it was sent. */
  readonly topicId: string;
  readonly value: string;
  isAcknowledged: boolean;
}

/** Everything is owned by one, and everybody has what it is to have. */
export async function checkStill(
  { history, topics }: GroupEnd,
  consumers: readonly (NativeConsumer | PollConsumer | RestConsumer)[],
  classics: readonly ClassicConsumer[],
  when: string,
): Promise<void> {
  const { members, partitions } = await history.look(CONSUMERS);
  const owned = new Set(partitions.flatMap((each) => (each.owner === undefined ? [] : [partitionKey(each)])));
  const ofClassics = classics.flatMap((each) => listPartitions(each.owned).map(partitionKey));
  for (const topic of topics.names) {
    const topicId = topics.idOf(topic)!;
    const count = await topics.partitionCount(topic);
    for (let partition = 0; partition < count; partition++) {
      const key = partitionKey({ topicId, partition });
      if (!owned.has(key)) history.report(`${topic}-${partition} is nobody's ${when}`);
      const times = ofClassics.filter((each) => each === key).length;
      if (CLASSIC_TOPICS.includes(topic) && times !== 1)
        history.report(`${topic}-${partition} is ${times} classic members' ${when}`);
    }
  }
  const living = new Set(consumers.map(({ memberId }) => memberId));
  for (const { member } of members) {
    if (!living.has(member.memberId)) history.report(`${member.memberId} is a member still, ${when}`);
    if (member.type === "consumer" && member.state !== "STABLE")
      history.report(`${member.memberId} is ${member.state} ${when}`);
  }
  for (const one of consumers) {
    const member = members.find((each) => each.member.memberId === one.memberId)?.member;
    if (member?.type !== "consumer") {
      history.report(`${one.memberId} is no member ${when}`);
      continue;
    }
    if (one instanceof NativeConsumer && JSON.stringify(one.owned) !== JSON.stringify(member.assigned))
      history.report(
        `${one.memberId} consumes ${JSON.stringify(one.owned)} ${when}, not ${JSON.stringify(member.assigned)}`,
      );
    for (const other of consumers) {
      const both = intersection(one.owned, other.owned);
      if (one !== other && !isEmpty(both))
        history.report(`${one.memberId} and ${other.memberId} consume ${JSON.stringify(both)} ${when}`);
    }
  }
}

/** Every record was processed by both groups, and is behind what is committed. */
export async function checkLogs({ broker, history, topics }: GroupEnd, sent: readonly Sent[]): Promise<void> {
  const found = new Set<string>();
  for (const topic of topics.names) {
    const topicId = topics.idOf(topic)!;
    const count = await topics.partitionCount(topic);
    for (let partition = 0; partition < count; partition++) {
      const log = await readLog(broker, topic, partition);
      for (const { value } of log) found.add(value);
      for (const groupId of CLASSIC_TOPICS.includes(topic) ? [CONSUMERS, CLASSICS] : [CONSUMERS]) {
        const key = partitionKey({ topicId, partition });
        const processed = history.processed(groupId, key);
        const missing = log.filter(({ offset, value }) => processed.get(offset) !== value);
        if (missing.length > 0)
          history.report(
            `${groupId}: ${topic}-${partition}: ${missing.length} of ${log.length} records were not processed`,
          );
        const { partitions } = await history.look(groupId);
        const item = partitions.find((each) => partitionKey(each) === key);
        if ((item?.committed?.offset ?? 0) !== log.length)
          history.report(
            `${groupId}: ${topic}-${partition} is committed to ${item?.committed?.offset} of ${log.length}`,
          );
      }
    }
  }
  for (const { value, topicId, isAcknowledged } of sent)
    if (isAcknowledged && topics.exists(topicId) && !found.has(value))
      history.report(`${value} was acknowledged, and is in no log`);
}

async function readLog(broker: Broker, topic: string, partition: number): Promise<{ offset: number; value: string }[]> {
  const log: { offset: number; value: string }[] = [];
  for (let offset = 0; ; ) {
    const request = { topic, partition, offset, maxBytes: 1 << 20, minBytes: 0, maxWaitMs: 0 };
    const fetched = await fetch(broker, request);
    if (!fetched.ok) throw new Error(fetched.refusal.message);
    log.push(...textsOf(fetched.value.batches, offset));
    if (fetched.value.nextOffset === offset) return log;
    offset = fetched.value.nextOffset;
  }
}
