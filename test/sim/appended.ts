import type { PartitionRegistration } from "../../shared/broker/metadata-store.ts";
import { rebaseBatches } from "../../shared/log/item-batches.ts";
import type { LogItem } from "../../shared/log/log-item.ts";
import type { LogStore } from "../../shared/log/log-store.ts";
import type { SegmentStore } from "../../shared/log/segment-store.ts";
import type { UncleanElection } from "../../shared/log/unclean-election.ts";
import type { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { textsOf } from "./clients.ts";
import { type Allowance, type Attempt, CONTROL, type FinalLog } from "./history.ts";
import type { Scheduler } from "./scheduler.ts";

/** Intercepts calls of one operation after they were applied. */
function after<S extends object>(
  store: S,
  names: readonly string[],
  told: (args: unknown[], result: unknown) => unknown,
): S {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      if (typeof name !== "string" || !names.includes(name)) return member.bind(target);
      return async (...args: unknown[]) => {
        const result = await (member.apply(target, args) as Promise<unknown>);
        await told(args, result);
        return result;
      };
    },
  });
}

interface HeldElection extends UncleanElection {
  /** When it was written, by the scheduler's clock. */
  readonly at: number;
}

/**
 * What was written below all faults: which epoch appended each record, and which elections were unclean and when. By that the
 * checker knows what may be lost: what an earlier epoch than an unclean one appended, where that did not keep it.
 */
export class Appended implements Allowance {
  readonly #scheduler: Scheduler;
  /** `offset=value` to the epochs that appended it there. */
  readonly #epochs = new Map<string, number[]>();
  readonly #seen = new Set<string>();
  readonly #elections = new Map<number, HeldElection>();

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
  }

  logStore(store: LogStore, segmentStore: SegmentStore): LogStore {
    return after(store, ["putItem", "replaceItem"], async ([, item], result) => {
      if ((result as { kind: string }).kind === "written") await this.#add(item as LogItem, segmentStore);
    });
  }

  metadataStore(store: MemoryMetadataStore): MemoryMetadataStore {
    return after(store, ["updatePartition"], ([registration], isUpdated) => {
      if (isUpdated !== true) return;
      const { uncleanElections = [], leaderEpoch } = registration as PartitionRegistration;
      const newest = uncleanElections.at(-1);
      if (newest?.leaderEpoch !== leaderEpoch || this.#elections.has(leaderEpoch)) return;
      this.#elections.set(leaderEpoch, { ...newest, at: this.#scheduler.now });
    });
  }

  get uncleanElections(): number {
    return this.#elections.size;
  }

  get lastUncleanEpoch(): number {
    return Math.max(0, ...this.#elections.keys());
  }

  /** Of what was seen: an unclean election may have lost it. */
  seen(offset: number, value: string): boolean {
    return this.#losing(offset, value).length > 0;
  }

  /**
   * Of what was acknowledged: an unclean election after it was sent may have lost it. What the leader alone acknowledged
   * (acks=1) any later leader may have lost; its epoch itself may be gone.
   */
  acknowledged({ offset, value, sentAt, isLeadersAlone }: Attempt, log: FinalLog, isElsewhere: boolean): boolean {
    const losing = this.#losing(offset!, value);
    if (losing.some(({ at }) => at >= sentAt! || isLeadersAlone)) return true;
    if (isLeadersAlone === undefined || isElsewhere) return false;
    const last = log.at(-1);
    const epoch = last && this.#epochOf(last.offset, last.value);
    return epoch !== undefined && epoch > (this.#epochOf(offset!, value) ?? epoch);
  }

  /** The epoch that appended a value at an offset; the newest, should there be more. */
  #epochOf(offset: number, value: string): number | undefined {
    const epochs = this.#epochs.get(`${offset}=${value}`);
    return epochs && Math.max(...epochs);
  }

  #losing(offset: number, value: string): HeldElection[] {
    // Control records at the same place are told apart by nothing: one of an earlier epoch is meant if there is one.
    const epochs = this.#epochs.get(`${offset}=${value}`) ?? [];
    const epoch = value.startsWith(CONTROL) ? Math.min(...epochs) : Math.max(...epochs);
    if (epochs.length === 0) return [];
    return [...this.#elections.values()].filter(
      ({ leaderEpoch, keptBelow }) => epoch < leaderEpoch && offset >= keptBelow,
    );
  }

  async #add(item: LogItem, segmentStore: SegmentStore): Promise<void> {
    const { baseOffset, leaderEpoch, appendId, payload } = item;
    if (payload.kind === "end-of-log" || this.#seen.has(appendId)) return;
    this.#seen.add(appendId);
    let batches: Uint8Array;
    if (payload.kind === "inline") batches = payload.batches;
    else {
      batches = (await segmentStore.getObject(payload.object.key)) ?? new Uint8Array();
      rebaseBatches(batches, baseOffset, leaderEpoch);
    }
    for (const { offset, value } of textsOf(batches, 0)) {
      const place = `${offset}=${value}`;
      this.#epochs.set(place, [...(this.#epochs.get(place) ?? []), leaderEpoch]);
    }
  }
}
