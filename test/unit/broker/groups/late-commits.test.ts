import { describe, expect, it } from "vitest";
import { commitOffsets } from "../../../../shared/broker/groups/commit-offsets.ts";
import { deleteOffsets } from "../../../../shared/broker/groups/delete-offsets.ts";
import { fetchOffsets } from "../../../../shared/broker/groups/fetch-offsets.ts";
import { resetOffsets } from "../../../../shared/broker/groups/reset-offsets.ts";
import { openBroker } from "../../../../shared/broker/open-broker.ts";
import type { Clock } from "../../../../shared/runtime/clock.ts";
import { memoryParts, topicOf } from "../../../fixtures/broker.ts";

/** Two processes over the same stores, and a clock that stands still until it is told to move. Nothing times out. */
async function twoProcesses() {
  const time = { now: 1_000_000 };
  const clock: Clock = {
    now: () => time.now,
    sleep: (_, signal) => new Promise((resolve) => signal?.addEventListener("abort", () => resolve(), { once: true })),
  };
  const parts = memoryParts({ clock });
  const [one, other] = [openBroker(parts), openBroker(parts)];
  await topicOf(one, "orders", 3);
  const commit = (broker: typeof one, offset: number, receivedAt?: number) =>
    commitOffsets(broker, {
      groupId: "g",
      offsets: [{ topic: "orders", partition: 0, offset }],
      ...(receivedAt === undefined ? {} : { receivedAt }),
    });
  const committed = async () => {
    const fetched = await fetchOffsets(one, { groupId: "g", partitions: [{ topic: "orders", partition: 0 }] });
    const [only] = fetched.ok ? fetched.value : [];
    return only?.ok ? only.value.offset : undefined;
  };
  return { time, parts, one, other, commit, committed };
}

describe("a commit that is late", () => {
  it("does not undo one that came later, if it had to wait for its topic", async () => {
    const { time, parts, one, other, commit, committed } = await twoProcesses();
    let proceed = () => {};
    const waiting = new Promise<void>((resolve) => {
      proceed = resolve;
    });
    const { metadataStore } = parts;
    const slow = openBroker({
      ...parts,
      metadataStore: new Proxy(metadataStore, {
        get: (target, name) => {
          const operation = Reflect.get(target, name) as unknown;
          if (typeof operation !== "function") return operation;
          return async (...args: unknown[]) => {
            await waiting;
            return operation.apply(target, args) as unknown;
          };
        },
      }),
    });
    await commit(one, 5);
    const late = commit(slow, 10);
    time.now += 1_000;
    await commit(other, 20);
    time.now += 1_000;
    proceed();
    expect(await late).toMatchObject({ ok: true, value: [{ refusal: { code: "COORDINATOR_NOT_AVAILABLE" } }] });
    expect(await committed()).toBe(20);
  });

  it("does not undo one that came later, if it had to wait for a process", async () => {
    const { time, one, other, commit, committed } = await twoProcesses();
    const arrived = time.now;
    time.now += 1_000;
    await commit(one, 20);
    time.now += 1_000;
    expect(await commit(other, 10, arrived)).toMatchObject({
      value: [{ refusal: { code: "COORDINATOR_NOT_AVAILABLE" } }],
    });
    expect(await committed()).toBe(20);
  });
});

describe("what an administrator asked for before a commit, and what is done after it", () => {
  it("does not reset the offset", async () => {
    const { time, one, commit, committed } = await twoProcesses();
    await commit(one, 5);
    const receivedAt = time.now;
    time.now += 1_000;
    await commit(one, 20);
    const reset = { groupId: "g", reset: { to: "earliest" }, isDryRun: false } as const;
    expect(await resetOffsets(one, { ...reset, receivedAt })).toMatchObject({
      ok: true,
      value: [{ committedOffset: 20, refusal: { code: "COORDINATOR_NOT_AVAILABLE" } }],
    });
    expect(await committed()).toBe(20);
    expect(await resetOffsets(one, reset)).toMatchObject({ ok: true, value: [{ newOffset: 0, refusal: undefined }] });
    expect(await committed()).toBe(0);
  });

  it("does not delete the offset", async () => {
    const { time, one, commit, committed } = await twoProcesses();
    const receivedAt = time.now;
    time.now += 1_000;
    await commit(one, 20);
    const offsets = { groupId: "g", topic: "orders" };
    expect(await deleteOffsets(one, { ...offsets, receivedAt })).toMatchObject({
      ok: true,
      value: [{ partition: 0, refusal: { code: "GROUP_SUBSCRIBED_TO_TOPIC" } }],
    });
    expect(await committed()).toBe(20);
    expect(await deleteOffsets(one, offsets)).toMatchObject({ ok: true, value: [{ refusal: undefined }] });
    expect(await committed()).toBeUndefined();
  });
});
