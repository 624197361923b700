import { type ResetPartition, resetOffsets } from "../../broker/groups/reset-offsets.ts";
import type { OffsetReset } from "../../group/offset-reset.ts";
import { badRequest, unwrap } from "../http-error.ts";
import { JSON_TYPE } from "../http-message.ts";
import { type Route, route } from "../route.ts";
import * as schema from "../schema/consumer-schema.ts";
import { noQuery } from "../schema/parameters.ts";
import { given } from "./given.ts";
import { eachAnswered } from "./v3-consumer-offsets.ts";
import { checkCluster } from "./v3-resource.ts";

export const offsetResetRoutes: readonly Route[] = [
  route({
    method: "POST",
    lambda: "coordinator",
    path: "/v3/clusters/{cluster_id}/consumer-groups/{consumer_group_id}/offsets:reset",
    operationId: "resetOffsets",
    summary:
      "Has a group without members go on somewhere else: earliest, latest, current, an offset, so many further on, a timestamp. What kafka-consumer-groups --reset-offsets does.",
    query: noQuery,
    body: schema.resetOffsetsBody,
    accepts: [JSON_TYPE],
    response: { status: 200, schema: schema.resetOffsets, mediaTypes: [JSON_TYPE] },
    handle: async (context) => {
      const clusterId = await checkCluster(context);
      const groupId = context.params["consumer_group_id"]!;
      const { body } = context;
      const isDryRun = body.dry_run ?? false;
      const reset = unwrap(
        await resetOffsets(context.broker, {
          groupId,
          reset: resetOf(body),
          isDryRun,
          ...given({
            receivedAt: context.request.receivedAt,
            topics: body.topics,
            partitions: body.partitions?.map((each) => ({ topic: each.topic_name, partition: each.partition_id })),
          }),
        }),
      );
      const more = { dry_run: isDryRun };
      return eachAnswered("KafkaOffsetResetList", clusterId, groupId, reset, more, offsets);
    },
  }),
];

interface ResetBody {
  readonly to: OffsetReset["to"];
  readonly offset?: number | undefined;
  readonly shift_by?: number | undefined;
  readonly timestamp?: string | number | undefined;
}

const OPERAND = { offset: "offset", "shift-by": "shift_by", timestamp: "timestamp" } as const;

/** Errors: 400 unless there is exactly what `to` needs. */
function resetOf({ to, offset, shift_by, timestamp }: ResetBody): OffsetReset {
  const operands = given({ offset, shift_by, timestamp });
  const wanted = to in OPERAND ? OPERAND[to as keyof typeof OPERAND] : undefined;
  const names = Object.keys(operands);
  if (names.some((name) => name !== wanted) || (wanted !== undefined && names.length === 0)) {
    const needs = wanted === undefined ? "neither offset, shift_by nor timestamp" : `${wanted}, and nothing else`;
    throw badRequest(`to "${to}" goes with ${needs}`);
  }
  if (to === "offset") return { to, offset: offset! };
  if (to === "shift-by") return { to, count: shift_by! };
  if (to === "timestamp") return { to, timestamp: new Date(timestamp!).getTime() };
  return { to };
}

function offsets({ committedOffset, newOffset }: ResetPartition) {
  return { committed_offset: committedOffset ?? null, new_offset: newOffset ?? null };
}
