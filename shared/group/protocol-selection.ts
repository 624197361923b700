import type { ClassicMember, ClassicProtocol } from "./member.ts";

type Speaker = Pick<ClassicMember, "protocols">;

/** What all of them speak. */
export function commonProtocols(members: readonly Speaker[]): ReadonlySet<string> {
  const [first, ...rest] = members.map(({ protocols }) => new Set(protocols.map(({ name }) => name)));
  return rest.reduce((common, names) => common.intersection(names), first ?? new Set<string>());
}

/** The protocol with most votes: each member's is for the first of its own that all speak. The first by name where they are even. */
export function electProtocol(members: readonly Speaker[]): string | undefined {
  const common = commonProtocols(members);
  const votes = new Map<string, number>();
  for (const { protocols } of members) {
    const vote = protocols.find(({ name }) => common.has(name))?.name;
    if (vote !== undefined) votes.set(vote, (votes.get(vote) ?? 0) + 1);
  }
  const [winner] = [...votes].sort(([one, ones], [other, others]) => others - ones || (one < other ? -1 : 1));
  return winner?.[0];
}

export function metadataOf({ protocols }: Speaker, protocolName: string): Uint8Array {
  return protocols.find(({ name }) => name === protocolName)?.metadata ?? new Uint8Array();
}

/** Whether a member that joins again brings just what it brought before. */
export function speaksAlike(one: readonly ClassicProtocol[], other: readonly ClassicProtocol[]): boolean {
  return (
    one.length === other.length &&
    one.every(({ name, metadata }, index) => {
      const its = other[index]!;
      return name === its.name && Buffer.compare(metadata, its.metadata) === 0;
    })
  );
}
