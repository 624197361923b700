import type { Broker, BrokerParts } from "../../shared/broker/broker.ts";
import type { MetadataStore } from "../../shared/broker/metadata-store.ts";
import { openBroker } from "../../shared/broker/open-broker.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import type { Clock } from "../../shared/runtime/clock.ts";
import { type Faults, faulty } from "./faulty.ts";
import { METADATA, type Network, reachable, type Sleeper } from "./network.ts";
import type { Scheduler } from "./scheduler.ts";

/** Of a process that was killed: what it was about to do never happens. */
interface Life {
  isOver: boolean;
}

export interface GroupProcessConditions {
  readonly faults: () => Faults;
  readonly clockErrorMs: number;
  readonly network: Network;
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
  readonly #network: Network;
  #life: Life = { isOver: false };

  /** `parts`: with several regions, the stores of each among them, and which one the process runs in. */
  constructor(parts: BrokerParts, scheduler: Scheduler, { faults, clockErrorMs, network }: GroupProcessConditions) {
    this.#parts = parts;
    this.#scheduler = scheduler;
    this.#faults = faults;
    this.#clockErrorMs = clockErrorMs;
    this.#network = network;
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
    const { metadataStore, replicas, brokerId = 1 } = this.#parts;
    return openBroker({
      ...this.#parts,
      ...this.#stores(this.#parts, brokerId),
      metadataStore: this.#view(metadataStore, METADATA),
      clock: this.#clock(),
      ...(replicas === undefined
        ? {}
        : { replicas: new Map([...replicas].map(([region, stores]) => [region, this.#stores(stores, region)])) }),
    });
  }

  /** Those of a region. Its logs are as far away as the metadata: what becomes of logs when a region is gone is another simulation's. */
  #stores({ groupStore, instanceStore, logStore, segmentStore }: ReplicaStores, region: number): ReplicaStores {
    return {
      groupStore: this.#view(groupStore!, region),
      instanceStore: this.#view(instanceStore!, region),
      logStore: this.#view(logStore, METADATA),
      segmentStore: this.#view(segmentStore, METADATA),
    };
  }

  #view<T extends object>(store: T, region: number): T {
    const failing = faulty(store, this.#scheduler, this.#faults);
    const own = this.#parts.brokerId ?? 1;
    return mortal(
      reachable(failing, this.#scheduler, this, () => this.#network.reaches(own, region)),
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

/** The metadata with other answers to where groups have their home. */
export function withGroupHome(store: MetadataStore, change: Pick<MetadataStore, "groupHome">): MetadataStore {
  return new Proxy(store, {
    get(target, name) {
      const from = name === "groupHome" ? change : target;
      const member = Reflect.get(from, name) as unknown;
      return typeof member === "function" ? member.bind(from) : member;
    },
  });
}
