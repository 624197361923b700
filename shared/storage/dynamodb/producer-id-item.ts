/** The counter of producer ids: one item, only ever added to. `next` counts the ids handed out. */
import { type Attributes, numberOf } from "./attributes.ts";
import { metadataKey } from "./metadata-key.ts";

export const PRODUCER_ID_KEY = metadataKey("producer-id", "next");

/** The id that this addition of one took. */
export function attributesToProducerId(added: Attributes): number {
  return numberOf(added, "next") - 1;
}
