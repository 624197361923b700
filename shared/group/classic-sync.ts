import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { signOfLife } from "./classic-heartbeat.ts";
import { classicMemberRefusal, rebalanceInProgress } from "./classic-refusals.ts";
import type { SyncGroup, SyncGroupAnswer } from "./classic-requests.ts";
import { isClassicReviewDue, reviewClassic } from "./classic-review.ts";
import { type Decision, type GroupContext, type GroupView, read, write } from "./decision.ts";
import type { ClassicGroup } from "./group.ts";
import { unknownMember } from "./heartbeat-refusals.ts";
import type { ClassicMember } from "./member.ts";
import { absentMember } from "./static-members.ts";

/** Bytes of all assignments of a generation: they lie in one item. Kafka's bound is that of a record. */
const MAX_ASSIGNMENT_BYTES = 256 * 1024;

/**
 * One step of SyncGroup. Refusals: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
 * INCONSISTENT_GROUP_PROTOCOL, MESSAGE_TOO_LARGE.
 */
export function syncGroup(view: GroupView, request: SyncGroup, context: GroupContext): Decision<SyncGroupAnswer> {
  const { group, member } = view;
  if (group?.type !== "classic" || group.isDead) return { kind: "refused", refusal: unknownMember(request) };
  if (member === undefined) return absentMember(view, request);
  const refusal = classicMemberRefusal(group, member, request, "any state") ?? protocolRefusal(group, request);
  if (refusal !== undefined) return { kind: "refused", refusal };
  if (isClassicReviewDue(group, context.now) && !context.isLastStep) return reviewClassic(view, group, context);
  if (group.state === "PreparingRebalance") return { kind: "refused", refusal: rebalanceInProgress(group) };
  if (view.generation === undefined) return read({ kind: "generation" });
  const { generation } = view;
  if (!generation?.members.includes(member.memberId)) return { kind: "refused", refusal: unknownMember(request) };
  if (group.state === "Stable") {
    const { protocolType = "", protocolName = "" } = group;
    const assignment = generation.assignments?.[member.memberId] ?? new Uint8Array();
    return {
      kind: "answer",
      writes: signOfLife(group, member as ClassicMember, context.now),
      answer: { kind: "synced", protocolType, protocolName, assignment },
    };
  }
  if (group.leaderId !== member.memberId) return { kind: "answer", writes: [], answer: { kind: "waiting" } };

  const ofGeneration = request.assignments.filter(({ memberId }) => generation.members.includes(memberId));
  const bytes = ofGeneration.reduce((sum, { assignment }) => sum + assignment.length, 0);
  if (bytes > MAX_ASSIGNMENT_BYTES) return { kind: "refused", refusal: tooLarge(bytes) };
  const { rebalanceBy: _, ...rest } = group;
  const reviewAt = Math.min(group.reviewAt, context.now + context.config.reviewIntervalMs);
  const assignments = Object.fromEntries(ofGeneration.map(({ memberId, assignment }) => [memberId, assignment]));
  return write(
    { kind: "put-group", group: { ...rest, version: group.version + 1, state: "Stable", reviewAt } },
    { kind: "put-generation", generation: { ...generation, assignments } },
  );
}

function protocolRefusal(group: ClassicGroup, { protocolType, protocolName }: SyncGroup): Refusal | undefined {
  const isSame =
    (protocolType ?? group.protocolType) === group.protocolType &&
    (protocolName ?? group.protocolName) === group.protocolName;
  if (isSame) return undefined;
  return refuse(
    "INCONSISTENT_GROUP_PROTOCOL",
    `the group's protocol is ${group.protocolType}/${group.protocolName}, not ${protocolType}/${protocolName}`,
  );
}

function tooLarge(bytes: number): Refusal {
  return refuse(
    "MESSAGE_TOO_LARGE",
    `the assignments have ${bytes} bytes together, of ${MAX_ASSIGNMENT_BYTES} at most`,
    "fewer members or topics in a group, or the consumer protocol (group.protocol=consumer)",
  );
}
