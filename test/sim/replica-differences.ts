import { createHash } from "node:crypto";
import type { PartitionRegistration } from "../../shared/broker/metadata-store.ts";
import type { ReplicaStores } from "../../shared/broker/replica-stores.ts";
import { chainItems } from "../../shared/log/chain.ts";
import { type LogItem, type LogKey, NO_EPOCH } from "../../shared/log/log-item.ts";

const ALL = { maxItems: Number.MAX_SAFE_INTEGER, maxBytes: Number.MAX_SAFE_INTEGER };

/**
 * What differs between the replicas in sync, below the highWatermark: the same items must make up all their logs, with the
 * same bytes, and no offset may be missing or stand twice. Answers what is broken.
 */
export async function differences(
  regions: ReadonlyMap<number, ReplicaStores>,
  log: LogKey,
  { leader, inSyncReplicas }: PartitionRegistration,
  highWatermark: number,
): Promise<string[]> {
  const broken: string[] = [];
  const leaders = await committedChain(regions.get(leader)!, log, highWatermark);
  for (const id of inSyncReplicas) {
    const items = id === leader ? leaders : await committedChain(regions.get(id)!, log, highWatermark);
    const end = items.at(-1) === undefined ? 0 : items.at(-1)!.lastOffset + 1;
    if (end !== highWatermark)
      broken.push(`in sync, region ${id} has the log to ${end}, not to the highWatermark ${highWatermark}`);
    for (const [index, item] of items.entries()) {
      const [here, there] = [identity(item), leaders[index] && identity(leaders[index])];
      if (here !== there) broken.push(`region ${id} has ${here} where leader ${leader} has ${there}`);
    }
    for (const { payload } of items) {
      if (payload.kind !== "object") continue;
      const bytes = await regions.get(id)!.segmentStore.getObject(payload.object.key);
      if (bytes?.length !== payload.object.sizeInBytes)
        broken.push(`in sync, region ${id} lacks the batches of ${payload.object.key}`);
    }
  }
  return broken;
}

async function committedChain({ logStore }: ReplicaStores, log: LogKey, highWatermark: number): Promise<LogItem[]> {
  const { items } = await logStore.readItems(log, 0, ALL);
  const chain = chainItems({ logEndOffset: 0, lastEpoch: NO_EPOCH }, items);
  return [...chain].filter(({ baseOffset }) => baseOffset < highWatermark);
}

function identity({ baseOffset, lastOffset, leaderEpoch, appendId, payload }: LogItem): string {
  const batches = payload.kind === "inline" ? payload.batches : JSON.stringify(payload);
  const digest = createHash("sha256").update(batches).digest("hex").slice(0, 8);
  return `${baseOffset}-${lastOffset} of epoch ${leaderEpoch} (${appendId.slice(0, 6)}, ${digest})`;
}
