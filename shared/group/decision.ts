import type { Refusal } from "../kafka/kafka-error.ts";
import type { ClassicGeneration, Group, TargetAssignment } from "./group.ts";
import type { GroupConfig } from "./group-config.ts";
import type { GroupPartition } from "./group-store.ts";
import type { GroupWrite } from "./group-write.ts";
import type { Member, MemberWithSession } from "./member.ts";
import type { TopicIdPartition } from "./partitions-by-topic.ts";

/** A topic as a subscription needs it. */
export interface SubscribableTopic {
  readonly topicId: string;
  readonly name: string;
  readonly partitionCount: number;
  /** The regions that hold each partition; absent: nobody asks for racks. */
  readonly partitionRacks?: readonly (readonly string[])[];
}

/**
 * What has been read of a group for one request. `group` and `member` are there from the beginning; the rest is undefined until a
 * decision asks for it. A list that was read is as new as the group, or newer: never older.
 */
export interface GroupView {
  readonly group: Group | undefined;
  /** The member that the request is about. */
  readonly member: Member | undefined;
  /** The same, as it was when the request came. */
  readonly memberBefore: Member | undefined;
  readonly members?: readonly MemberWithSession[];
  /** null: there is none. */
  readonly target?: TargetAssignment | null;
  /** null: there is none. */
  readonly generation?: ClassicGeneration | null;
  /** The partitions asked for, by partitionKey; null: its item holds nothing. */
  readonly partitions?: ReadonlyMap<string, GroupPartition | null>;
  /** Topics asked for, by name; those that do not exist are not in it. */
  readonly topics?: ReadonlyMap<string, SubscribableTopic>;
}

/** Time and randomness, as arguments, and the settings in force. */
export interface GroupContext {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** A new random id, URL-safe, of at least 64 bits. */
  newId(): string;
  readonly config: GroupConfig;
  /** The request has had its share of steps: answer with what is there instead of going on. */
  readonly isLastStep: boolean;
}

/** What a decision has to see before it can go on. */
export type Needed =
  | { readonly kind: "members" }
  | { readonly kind: "target" }
  | { readonly kind: "generation" }
  | { readonly kind: "partitions"; readonly partitions: readonly TopicIdPartition[] }
  /** Topics by name; `all`: and every other one (regular expressions). */
  | { readonly kind: "topics"; readonly names: readonly string[]; readonly all: boolean };

/**
 * One step of a request. Whoever carries it out reads what is needed and asks again; or applies the writes, reads group and
 * member anew, forgets the rest and asks again; or applies the writes and gives the answer. Writes that lost to somebody else's
 * end in reading anew and asking again, too. So every step is decided by what the items say, and a request that was killed
 * between two steps is finished by the next one.
 */
export type Decision<Answer> =
  | { readonly kind: "read"; readonly needed: Needed }
  | { readonly kind: "write"; readonly writes: readonly GroupWrite[] }
  | { readonly kind: "answer"; readonly writes: readonly GroupWrite[]; readonly answer: Answer }
  | { readonly kind: "refused"; readonly refusal: Refusal };

/** A step that leads on, whatever the request is. */
export type Step = Extract<Decision<never>, { readonly kind: "read" | "write" }>;

/** A step that ends it. */
export type Refused = Extract<Decision<never>, { readonly kind: "refused" }>;

export function read(needed: Needed): Step {
  return { kind: "read", needed };
}

export function write(...writes: GroupWrite[]): Step {
  return { kind: "write", writes };
}
