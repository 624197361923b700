import { expect, it } from "vitest";
import { createInstance } from "../../../../shared/broker/consumers/create-instance.ts";
import { deleteInstance } from "../../../../shared/broker/consumers/delete-instance.ts";
import { subscribe, subscriptionOf } from "../../../../shared/broker/consumers/subscribe-instance.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import { MemoryGroupStore } from "../../../../shared/storage/memory/memory-group-store.ts";
import { MemoryInstanceStore } from "../../../../shared/storage/memory/memory-instance-store.ts";
import { MemoryLogStore } from "../../../../shared/storage/memory/memory-log-store.ts";
import { MemorySegmentStore } from "../../../../shared/storage/memory/memory-segment-store.ts";
import { memoryParts } from "../../../fixtures/broker.ts";

it("a consumer instance lies in its group's home region, and every region's endpoint serves it", async () => {
  const stores = [1, 2].map(() => ({
    logStore: new MemoryLogStore(),
    segmentStore: new MemorySegmentStore(),
    groupStore: new MemoryGroupStore(),
    instanceStore: new MemoryInstanceStore(),
  }));
  const parts = memoryParts({ regions: ["us-east-1", "us-west-2"] });
  const replicas = new Map(stores.map((each, index) => [index + 1, each]));
  const [east, west] = stores.map((own, index) => openBroker({ ...parts, ...own, replicas, brokerId: index + 1 }));
  const name = { groupId: "g", instanceId: "i" };
  const config = { format: "json", autoOffsetReset: "latest", autoCommit: true, minBytes: 1, clientHost: "/" } as const;
  expect(await createInstance(west!, { ...name, ...config })).toMatchObject({ ok: true });
  expect(await createInstance(east!, { ...name, ...config })).toMatchObject({ ok: false });
  expect(await subscribe(east!, name, { kind: "topics", topics: ["orders"] })).toMatchObject({ ok: true });
  expect(await stores[0]!.instanceStore.readInstance(name)).toBeUndefined();
  expect(await stores[1]!.instanceStore.readInstance(name)).toMatchObject({ consumes: { topics: ["orders"] } });
  expect(await subscriptionOf(west!, name)).toEqual({ ok: true, value: ["orders"] });
  expect(await deleteInstance(east!, name)).toMatchObject({ ok: true });
  expect(await subscriptionOf(west!, name)).toMatchObject({ ok: false });
});
