/** Names longer than this are nobody's slip of a key. */
const MAX_LENGTH = 40;

/** The known name that a mistyped one was most likely meant to be; undefined if none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > MAX_LENGTH) return undefined;
  const plain = bare(name);
  const ranked = known
    .map((candidate) => ({ candidate, edits: edits(plain, bare(candidate)) }))
    .toSorted((one, other) => one.edits - other.edits);
  const [best] = ranked;
  return best !== undefined && best.edits <= Math.max(1, plain.length / 3) ? best.candidate : undefined;
}

/** What is left of a name when its case and its joints are no matter. */
function bare(name: string): string {
  return name.toLowerCase().replaceAll(/[-_]/g, "");
}

/** Letters to insert, remove or replace to make one of the other (Levenshtein). */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let i = 1; i <= one.length; i++) {
    const next = [i];
    for (let j = 1; j <= other.length; j++) {
      const replaced = row[j - 1]! + (one[i - 1] === other[j - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row.at(-1)!;
}
