import type { Broker, BrokerParts } from "../../../shared/broker/broker.ts";
import { openBroker } from "../../../shared/broker/open-broker.ts";
import { MemoryGroupStore } from "../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../shared/storage/memory/memory-instance-store.ts";
import { memoryParts, produce, topicOf } from "../../fixtures/broker.ts";
import { answer, send } from "../../fixtures/http.ts";
import { inVirtualTime } from "../../fixtures/virtual-time.ts";

export const V2 = "application/vnd.kafka.v2+json";
export const BINARY = "application/vnd.kafka.binary.v2+json";
export const EMBEDDED_JSON = "application/vnd.kafka.json.v2+json";

/** Brokers in memory over the same stores, in virtual time: processes behind two endpoints. */
export interface Endpoints {
  readonly broker: Broker;
  readonly other: Broker;
  readonly instances: MemoryInstanceStore;
  wait(ms: number): Promise<void>;
}

export function withEndpoints(test: (endpoints: Endpoints) => Promise<void>, change: Partial<BrokerParts> = {}) {
  return () =>
    inVirtualTime(async (clock) => {
      const instances = new MemoryInstanceStore();
      const parts = memoryParts({ groupStore: new MemoryGroupStore(), instanceStore: instances, clock, ...change });
      await test({ broker: openBroker(parts), other: openBroker(parts), instances, wait: (ms) => clock.sleep(ms) });
    });
}

/** Calls below /consumers, with Confluent's media type. */
export const calls = (broker: Broker) => {
  const headers = { "content-type": V2, accept: V2 };
  const target = (path: string) => `/consumers/${path}`;
  return {
    get: (path: string, accept = V2, body?: object) =>
      answer(
        send(broker, target(path), {
          method: "GET",
          headers: { ...headers, accept },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        }),
      ),
    post: (path: string, body?: object | string) =>
      answer(
        send(broker, target(path), {
          method: "POST",
          headers,
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
        }),
      ),
    remove: (path: string) => answer(send(broker, target(path), { method: "DELETE", headers })),
  };
};

/** What a read handed out, as topic-partition@offset. */
export function places(read: { body: { topic: string; partition: number; offset: number }[] }): string[] {
  return read.body.map(({ topic, partition, offset }) => `${topic}-${partition}@${offset}`);
}

/** A topic with three records, and an instance "i" of the group "g" that reads them from the beginning. */
export const withInstance = (
  test: (endpoints: Endpoints & ReturnType<typeof calls>) => Promise<void>,
  config: object = {},
) =>
  withEndpoints(async (endpoints) => {
    const { broker } = endpoints;
    await topicOf(broker, "test", 2);
    await produce(broker, "test", [{ partition: 0 }, { partition: 0 }, { partition: 0 }]);
    await calls(broker).post("g", { name: "i", "auto.offset.reset": "earliest", ...config });
    await test({ ...endpoints, ...calls(broker) });
  });
