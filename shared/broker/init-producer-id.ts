import type { Broker } from "./broker.ts";
import { untilKnown } from "./until-known.ts";

export interface InitializedProducer {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** A producer id of one's own, at epoch 0: what an idempotent producer begins with (KIP-98, InitProducerId). */
export async function initProducerId(broker: Broker): Promise<InitializedProducer> {
  const producerId = await untilKnown(broker, "a producer id", () => broker.metadataStore.nextProducerId());
  return { producerId, producerEpoch: 0 };
}
