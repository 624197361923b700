import * as z from "zod/mini";
import { atFirstUse } from "./at-first-use.ts";

/** Partitions of one election: each is a compare-and-set and the reading of a log's end. */
const MAX_PARTITIONS = 100;

export const electLeadersBody = atFirstUse(() =>
  z.strictObject({
    election_type: z.optional(z.enum(["PREFERRED", "UNCLEAN"])),
    partitions: z
      .array(z.strictObject({ topic_name: z.string(), partition_id: z.int(), leader: z.optional(z.int()) }))
      .check(z.minLength(1), z.maxLength(MAX_PARTITIONS)),
  }),
);

export const electedLeaders = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaLeaderElectionList"),
    data: z.array(
      z.object({
        topic_name: z.string(),
        partition_id: z.int(),
        leader: z.optional(z.int()),
        leader_epoch: z.optional(z.int()),
        in_sync_replicas: z.optional(z.array(z.int())),
        unclean: z.optional(z.object({ lost_from_offset: z.int(), epoch_start_offset: z.optional(z.int()) })),
        error_code: z.int(),
        message: z.optional(z.string()),
      }),
    ),
  }),
);

export const leaderEpoch = atFirstUse(() =>
  z.object({
    kind: z.literal("KafkaLeaderEpoch"),
    cluster_id: z.string(),
    topic_name: z.string(),
    partition_id: z.int(),
    leader_epoch: z.int(),
    end_offset: z.int(),
    is_unclean: z.boolean(),
  }),
);
