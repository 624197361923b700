import { KafkaError } from "../../kafka/kafka-error.ts";
import { sideBySide } from "../../runtime/side-by-side.ts";
import { withTimeout } from "../../runtime/timeout.ts";
import type { Broker } from "../broker.ts";
import { type Coordinator, coordinatorAt, whileAvailable } from "./coordinate.ts";
import { type GroupDescription, readDescription } from "./describe-group.ts";

export interface ListedGroups {
  /** In order of groupId. */
  readonly groups: readonly GroupDescription[];
  /** Ask again with this as `after`; undefined: that was all. */
  readonly next: string | undefined;
  /** Brokers, which are regions, whose groups are not among them because they do not answer. */
  readonly unreachable: readonly number[];
}

const READS_AT_ONCE = 16;
const TIMEOUT_MS = 5_000;

/**
 * ListGroups with a description of each, page by page: groups with an id above `after`, `limit` at most (up to 1,000). With several regions of all
 * that answer. Errors: KafkaError COORDINATOR_NOT_AVAILABLE if none does.
 */
export async function listGroups(
  broker: Broker,
  { limit, after }: { limit: number; after?: string },
): Promise<ListedGroups> {
  const unreachable: number[] = [];
  const found: { groupId: string; coordinator: Coordinator }[] = [];
  let isMore = false;
  let failure: unknown;
  await Promise.all(
    brokersOf(broker).map(async (brokerId) => {
      const coordinator = coordinatorAt(broker, brokerId);
      const listing = coordinator.groupStore.listGroups({ limit, ...(after === undefined ? {} : { after }) });
      try {
        const listed = await withTimeout(broker.clock, TIMEOUT_MS, "listing groups", listing);
        isMore ||= listed.length === limit;
        found.push(...listed.map(({ groupId }) => ({ groupId, coordinator })));
      } catch (error) {
        if (!(error instanceof KafkaError)) throw error;
        broker.logger.warn("a region's groups are not listed", { brokerId }, error);
        unreachable.push(brokerId);
        failure = error;
      }
    }),
  );
  if (unreachable.length === brokersOf(broker).length) throw failure;
  const inOrder = found.sort((one, other) => (one.groupId < other.groupId ? -1 : 1));
  const page = inOrder.slice(0, limit);
  const groups: GroupDescription[] = [];
  await sideBySide(page, READS_AT_ONCE, async ({ groupId, coordinator }) => {
    const reading = withTimeout(
      broker.clock,
      TIMEOUT_MS,
      "describing the group",
      readDescription(coordinator, groupId),
    );
    const described = await whileAvailable(groupId, reading);
    // One that is gone by now is no group any more.
    if (described.ok) groups.push(described.value);
  });
  return {
    groups: groups.sort((one, other) => (one.groupId < other.groupId ? -1 : 1)),
    next: isMore || inOrder.length > limit ? page.at(-1)?.groupId : undefined,
    unreachable: unreachable.sort((one, other) => one - other),
  };
}

export function brokersOf({ replicas, brokerId = 1 }: Broker): readonly number[] {
  return replicas === undefined ? [brokerId] : [...replicas.keys()];
}
