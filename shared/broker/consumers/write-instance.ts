import type { Broker } from "../broker.ts";
import { whileAvailable } from "../groups/coordinate.ts";
import { untilKnown } from "../until-known.ts";
import { instanceStoreOf } from "./find-instance.ts";
import { type ConsumerInstance, type InstanceState, revised } from "./instance.ts";

/** What became of a write. `isApplied`: it was, even if others have written since. `now`: the instance as it is by then; undefined: it is gone. */
export interface WrittenInstance {
  readonly isApplied: boolean;
  readonly now: ConsumerInstance | undefined;
}

const REVISION_BYTES = 9;

export function newRevision({ random }: Pick<Broker, "random">): string {
  return Buffer.from(random.bytes(REVISION_BYTES)).toString("base64url");
}

/**
 * Writes a change of the instance, if it still is as `before` was read. An answer that was lost is asked for again, and the write's id found
 * among the instance's revisions: nothing is done twice, and nothing that was done is taken for lost. `receivedAt`: when the call arrived that
 * writes. Errors: of the store; the outcome may be unknown then.
 */
export async function writeInstance(
  broker: Broker,
  before: ConsumerInstance,
  change: Partial<InstanceState>,
  receivedAt: number,
): Promise<WrittenInstance> {
  const store = await instanceStoreOf(broker, before.groupId);
  const revision = newRevision(broker);
  const next = revised(before, change, { revision, now: broker.clock.now(), receivedAt });
  const put = () => store.putInstance(next, before.revisions[0]);
  const written = await whileAvailable(before.groupId, untilKnown(broker, "changing the consumer instance", put));
  if (written.kind === "put") return { isApplied: true, now: next };
  const { found } = written;
  return { isApplied: found?.revisions.includes(revision) ?? false, now: found };
}

/** `held`: the instance as this call wrote it, and as it still is. `isHeld` false: another call has changed it. */
export type HeldInstance =
  | { readonly isHeld: true; readonly held: ConsumerInstance }
  | { readonly isHeld: false; readonly now: ConsumerInstance | undefined };

/**
 * Writes a change before something is done that only one call may do: whoever holds the instance knows that no other call that had read it as it was
 * hands anything out by that. Errors: as of {@link writeInstance}.
 */
export async function holdInstance(
  broker: Broker,
  before: ConsumerInstance,
  change: Partial<InstanceState>,
  receivedAt: number,
): Promise<HeldInstance> {
  const { isApplied, now } = await writeInstance(broker, before, change, receivedAt);
  // The newest write, and not one that others have changed since.
  const isNewest = isApplied && now?.revisions[1] === before.revisions[0];
  return isNewest && now !== undefined ? { isHeld: true, held: now } : { isHeld: false, now };
}
