import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { type Faults, faulty } from "./faulty.ts";
import { reachable, type Sleeper } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

/** Of a process that was killed: what it was about to do never happens. */
interface Life {
  isOver: boolean;
}

const NEVER = new Promise<never>(() => {});

/**
 * A process that coordinates groups, with its own view of the stores, which fails by itself, and its own clock, which is a little wrong. It can be paused, and it
 * can be killed between any two steps of what it does.
 */
export class GroupProcess implements Sleeper {
  pausedUntil = 0;
  broker: Broker;
  readonly #parts: BrokerParts;
  readonly #scheduler: Scheduler;
  readonly #faults: () => Faults;
  readonly #clockErrorMs: number;
  #life: Life = { isOver: false };

  constructor(parts: BrokerParts, scheduler: Scheduler, faults: () => Faults, clockErrorMs: number) {
    this.#parts = parts;
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#clockErrorMs = clockErrorMs;
    this.broker = this.#open();
  }

  /** Its requests end where they are; a new one comes in its place, and remembers nothing. */
  kill(): void {
    this.#life.isOver = true;
    this.#life = { isOver: false };
    this.pausedUntil = 0;
    this.broker = this.#open();
  }

  #open(): Broker {
    const { groupStore, logStore, metadataStore, segmentStore } = this.#parts;
    return openBroker({
      ...this.#parts,
      groupStore: this.#view(groupStore!),
      logStore: this.#view(logStore),
      metadataStore: this.#view(metadataStore),
      segmentStore: this.#view(segmentStore),
      clock: this.#clock(),
    });
  }

  #view<T extends object>(store: T): T {
    const failing = faulty(store, this.#scheduler, this.#faults);
    return mortal(
      reachable(failing, this.#scheduler, this, () => true),
      this.#life,
    );
  }

  #clock(): Clock {
    const clock = this.#scheduler.clock(() => this.pausedUntil);
    const life = this.#life;
    return {
      now: () => clock.now() + this.#clockErrorMs,
      sleep: async (ms, signal) => {
        await clock.sleep(ms, signal);
        if (life.isOver && signal?.aborted !== true) await NEVER;
      },
    };
  }
}

function mortal<T extends object>(store: T, life: Life): T {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function") return member;
      return async (...args: unknown[]) => {
        if (life.isOver) return NEVER;
        try {
          return await (member.apply(target, args) as Promise<unknown>);
        } finally {
          if (life.isOver) await NEVER;
        }
      };
    },
  });
}
