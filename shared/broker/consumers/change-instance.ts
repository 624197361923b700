import { ok } from "../../kafka/result.ts";
import type { Broker } from "../broker.ts";
import { findForChange } from "./find-instance.ts";
import type { ConsumerInstance, InstanceCall, InstanceState } from "./instance.ts";
import { arrivalOf } from "./instance-order.ts";
import { contended, type InstanceResult } from "./instance-refusal.ts";
import { writeInstance } from "./write-instance.ts";

const MAX_ATTEMPTS = 8;
const FIRST_BACKOFF_MS = 10;

/** Before attempt `lost` + 1, after so many that were lost to others. */
export function backOff({ clock, random }: Broker, lost: number): Promise<void> {
  return clock.sleep(random.next() * FIRST_BACKOFF_MS * 2 ** lost);
}

/**
 * Changes an instance as `decide` says of it. A write that lost to another call's is decided anew on what that call left, a bounded number of
 * times. `decide` may be asked again, so what it does beside must be safe to do again. Refusals: those of `decide`, instance-not-found, contended.
 */
export async function changeInstance(
  broker: Broker,
  call: InstanceCall,
  decide: (instance: ConsumerInstance, receivedAt: number) => Promise<InstanceResult<Partial<InstanceState>>>,
): Promise<InstanceResult<void>> {
  const receivedAt = arrivalOf(broker, call.receivedAt);
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
    const found = await findForChange(broker, { ...call, receivedAt });
    if (!found.ok) return found;
    const decided = await decide(found.value, receivedAt);
    if (!decided.ok) return decided;
    const { isApplied } = await writeInstance(broker, found.value, decided.value, receivedAt);
    if (isApplied) return ok(undefined);
    await backOff(broker, attempt);
  }
  return contended(call);
}
