import { KafkaError } from "../kafka/kafka-error.ts";
import { barrierItem, leadStep } from "../log/lead.ts";
import type { LogItem, LogKey } from "../log/log-item.ts";
import { fold, type LogState } from "../log/log-state.ts";
import { encodeControlBatch } from "../record/control-record.ts";
import { encodeLeaderChange } from "../record/leader-change.ts";
import { patchBatch } from "../record/patch-batch.ts";
import { withTimeout } from "../runtime/timeout.ts";
import type { BrokerParts } from "./broker.ts";
import { loadHotLog } from "./load-hot-log.ts";
import { fencedBy, READ_TIMEOUT_MS } from "./log-view.ts";
import type { PartitionRegistration } from "./metadata-store.ts";

const PAGE = { maxItems: 1000, maxBytes: 1024 * 1024 };
const PUT_TIMEOUT_MS = 3_000;
/** Slots looked at, sealed or taken before an attempt to lead is given up: what lies behind a checkpoint, and contention. */
const MAX_STEPS = 100_000;
const MAX_FAILURES = 8;
/** Leading takes a few requests for each page behind the checkpoint. */
const LEAD_WITHIN_MS = 30_000;
const FIRST_BACKOFF_MS = 20;

/**
 * Reads the leader's log, from what is known to be committed on, as an agent of the registration's epoch: seals what must not be
 * overwritten any more, and puts the barrier where it is missing. The state it answers is one in which this epoch may append
 * (REPLICATION.md, 3). `parts`: on the leader's stores. Errors: FENCED_LEADER_EPOCH; what the store fails with.
 */
export async function leadLog(parts: BrokerParts, log: LogKey, registration: PartitionRegistration): Promise<LogState> {
  const attempt = new LeadAttempt(parts, log, registration);
  for (let failures = 0; ; failures++) {
    try {
      return await attempt.run();
    } catch (error) {
      // A put whose answer was lost shows itself to whoever reads the slot again.
      if (!(error instanceof KafkaError && error.retriable) || error.code === "FENCED_LEADER_EPOCH") throw error;
      if (failures === MAX_FAILURES) throw error;
      await parts.clock.sleep(parts.random.next() * FIRST_BACKOFF_MS * 2 ** failures);
    }
  }
}

class LeadAttempt {
  readonly #parts: BrokerParts;
  readonly #log: LogKey;
  readonly #registration: PartitionRegistration;

  constructor(parts: BrokerParts, log: LogKey, registration: PartitionRegistration) {
    this.#parts = parts;
    this.#log = log;
    this.#registration = registration;
  }

  async run(): Promise<LogState> {
    const { leaderEpoch } = this.#registration;
    let state = await loadHotLog(this.#parts, this.#log, this.#registration);
    let page: LogItem[] = [];
    let isEnd = false;
    const deadline = this.#parts.clock.now() + LEAD_WITHIN_MS;
    for (let steps = 0; steps < MAX_STEPS && this.#parts.clock.now() < deadline; steps++) {
      while (page[0] !== undefined && page[0].baseOffset < state.logEndOffset) page.shift();
      if (page.length === 0 && !isEnd) {
        ({ items: page, isEnd } = await this.#read(state.logEndOffset));
        continue;
      }
      const found = page[0]?.baseOffset === state.logEndOffset ? page[0] : undefined;
      const step = leadStep(state, found, leaderEpoch);
      if (step.kind === "leads") return state;
      if (step.kind === "fenced") throw fencedBy(this.#log, leaderEpoch, step.stamp);
      if (step.kind === "stale") {
        throw new KafkaError("KAFKA_STORAGE_ERROR", `${this.#log} changed while it was read`, { hint: "try again" });
      }
      const written = step.kind === "fold" ? step.item : await this.#write(state, step);
      if (written !== undefined) {
        state = fold(state, written);
        continue;
      }
      // Somebody else was faster: see what stands there now.
      await this.#parts.clock.sleep(this.#parts.random.next() * FIRST_BACKOFF_MS);
      page = [];
      isEnd = false;
    }
    throw new KafkaError("KAFKA_STORAGE_ERROR", `${this.#log} changes faster than it can be led`, {
      hint: "try again",
    });
  }

  async #read(fromOffset: number): Promise<{ items: LogItem[]; isEnd: boolean }> {
    const read = this.#parts.logStore.readItems(this.#log, fromOffset, PAGE);
    const { items, isEnd } = await withTimeout(this.#parts.clock, READ_TIMEOUT_MS, "reading the log's end", read);
    return { items: [...items], isEnd };
  }

  /** The item that was written, or undefined if the slot holds something else by now. */
  async #write(
    state: LogState,
    step: Extract<ReturnType<typeof leadStep>, { kind: "seal" | "barrier" }>,
  ): Promise<LogItem | undefined> {
    const item = step.kind === "seal" ? step.item : this.#barrier(state);
    const put = this.#parts.logStore.replaceItem(this.#log, item, step.expected);
    const result = await withTimeout(this.#parts.clock, PUT_TIMEOUT_MS, "leading the log", put);
    return result.kind === "written" ? item : undefined;
  }

  #barrier(state: LogState): LogItem {
    const { clock, random } = this.#parts;
    const { leader, leaderEpoch, inSyncReplicas, joining } = this.#registration;
    const waitFor = [...new Set([...inSyncReplicas, ...joining])];
    const batches = encodeControlBatch("LEADER_CHANGE", encodeLeaderChange(leader, waitFor), clock.now());
    patchBatch(batches, 0, state.logEndOffset, leaderEpoch);
    const appendId = Buffer.from(random.bytes(16)).toString("base64url");
    return barrierItem(state, leaderEpoch, { waitFor, batches, appendId });
  }
}
