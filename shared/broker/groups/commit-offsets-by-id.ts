import {
  commitOffsets,
  commitRefusal,
  MAX_OFFSETS_AT_ONCE,
  type OffsetCommitRequest,
} from "../../group/offset-commit.ts";
import type { Refusal } from "../../kafka/kafka-error.ts";
import { ok, type Result } from "../../kafka/result.ts";
import { untilKnown } from "../until-known.ts";
import { carryOut, type GroupParts } from "./carry-out.ts";

/**
 * OffsetCommit of any number of offsets, of topics by their ids. Answers for each, in order: undefined if it is committed, else why not. A refusal of the request as a
 * whole may come after some were committed: they may be committed again. Errors: of the store.
 */
export async function commitOffsetsById(
  parts: GroupParts,
  request: OffsetCommitRequest,
): Promise<Result<(Refusal | undefined)[]>> {
  const answers: (Refusal | undefined)[] = [];
  for (let at = 0; at < request.offsets.length || at === 0; at += MAX_OFFSETS_AT_ONCE) {
    const offsets = request.offsets.slice(at, at + MAX_OFFSETS_AT_ONCE);
    const memberId = request.memberId === "" ? undefined : request.memberId;
    const decided = await carryOut(parts, request.groupId, memberId, (view, context) =>
      commitOffsets(view, { ...request, offsets }, context),
    );
    if (!decided.ok) return decided;
    const commits = decided.value.flatMap((verdict) => (verdict.kind === "commit" ? [verdict.commit] : []));
    const commit = () => parts.groupStore.commitOffsets(request.groupId, commits);
    const results = commits.length === 0 ? [] : await untilKnown(parts, "committing offsets", commit);
    let next = 0;
    for (const verdict of decided.value) {
      if (verdict.kind === "commit") answers.push(commitRefusal(results[next++]!));
      else answers.push(verdict.kind === "refused" ? verdict.refusal : undefined);
    }
  }
  return ok(answers);
}
