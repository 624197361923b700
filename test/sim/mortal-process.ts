import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { Scheduler } from "./scheduler.ts";

const NAP_CHANCE = 0.03;
const LONGEST_NAP_MS = 12 * 60 * 60 * 1000;

/** A process that may be killed in the middle of whatever it does: nothing that it waits for comes back, and it begins nothing more. */
export class MortalProcess {
  broker: Broker;
  pausedUntil = 0;
  readonly #open: (life: { isOver: boolean }) => Broker;
  #life = { isOver: false };

  constructor(parts: BrokerParts, scheduler: Scheduler) {
    this.#open = (life) => {
      const mortal = <T extends object>(store: T) =>
        mortalStore(store, life, scheduler, (name) => {
          // Asleep just when it was about to write.
          if (/^(put|replace|write)/.test(name) && scheduler.chance(NAP_CHANCE)) {
            this.pausedUntil = Math.max(this.pausedUntil, scheduler.now + scheduler.integer(LONGEST_NAP_MS));
          }
          return this.pausedUntil;
        });
      return openBroker({
        ...parts,
        logStore: mortal(parts.logStore),
        segmentStore: mortal(parts.segmentStore),
        metadataStore: mortal(parts.metadataStore),
        segmentRegistry: mortal(parts.segmentRegistry!),
        clock: scheduler.clock(() => this.pausedUntil),
      });
    };
    this.broker = this.#open(this.#life);
  }

  kill(): void {
    this.#life.isOver = true;
    this.#life = { isOver: false };
    this.broker = this.#open(this.#life);
  }
}

const never = new Promise<never>(() => {});

/** What a process that is asleep sends leaves it when it wakes; what a dead one sends never does. */
function mortalStore<T extends object>(
  store: T,
  life: { readonly isOver: boolean },
  scheduler: Scheduler,
  pausedUntil: (operation: string) => number,
): T {
  return new Proxy(store, {
    get(target, name) {
      const member = Reflect.get(target, name, target) as unknown;
      if (typeof member !== "function" || typeof name !== "string") return member;
      return async (...args: unknown[]) => {
        for (let until = pausedUntil(name); until > scheduler.now; until = pausedUntil("")) {
          await scheduler.sleep(until - scheduler.now);
        }
        if (life.isOver) return never;
        try {
          return await (member.apply(target, args) as Promise<unknown>);
        } finally {
          if (life.isOver) await never;
        }
      };
    },
  });
}
