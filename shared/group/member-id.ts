import { type Refusal, refuse } from "../kafka/kafka-error.ts";
import { MAX_ID_LENGTH } from "./group-config.ts";

/** A member's new id. `bytes`: 16 random ones. KIP-848 lets clients make theirs: a UUID in URL-safe base64, as this is. */
export function newMemberId(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}

/** Why this cannot be a group's id: INVALID_GROUP_ID. */
export function groupIdRefusal(groupId: string): Refusal | undefined {
  const what = idProblem(groupId);
  if (what === undefined) return undefined;
  return refuse("INVALID_GROUP_ID", `a group's id ${what}`, `use 1 to ${MAX_ID_LENGTH} characters`);
}

/** Why these cannot be a member's: INVALID_REQUEST. Absent ones are fine. */
export function idsRefusal(ids: Readonly<Record<string, string | undefined>>): Refusal | undefined {
  for (const [name, id] of Object.entries(ids)) {
    const what = id === undefined ? undefined : idProblem(id);
    if (what !== undefined) return refuse("INVALID_REQUEST", `${name} ${what}`);
  }
  return undefined;
}

/**
 * Why nobody can be looked for under these: INVALID_GROUP_ID, INVALID_REQUEST. No member, or "", is fine. Ids are keys of a store: one that
 * cannot be a key is refused before anything is read.
 */
export function lookupRefusal(groupId: string, memberId: string | undefined): Refusal | undefined {
  return groupIdRefusal(groupId) ?? (memberId === "" ? undefined : idsRefusal({ memberId }));
}

function idProblem(id: string): string | undefined {
  if (id === "") return "cannot be empty";
  if (id.length > MAX_ID_LENGTH) return `has at most ${MAX_ID_LENGTH} characters, not ${id.length}`;
  // A lone surrogate has no UTF-8, and would come back from the store as another id.
  return id.isWellFormed() ? undefined : "is not well-formed Unicode";
}
