/** A file of a bundle. */
export interface BundledFile {
  readonly name: string;
  readonly contents: Uint8Array;
  /** Bytes in it by the source file that they come from. */
  readonly sources: Readonly<Record<string, number>>;
}

/** Bytes of all files together. */
export function bytesOf(files: readonly BundledFile[]): number {
  return files.reduce((sum, { contents }) => sum + contents.length, 0);
}

/** Bytes by npm package, the largest first; what is of no package is Millrace's own. */
export function bytesByPackage(files: readonly BundledFile[]): readonly (readonly [string, number])[] {
  const sums = new Map<string, number>();
  for (const [source, bytes] of files.flatMap(({ sources }) => Object.entries(sources))) {
    const name = /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1] ?? "millrace";
    sums.set(name, (sums.get(name) ?? 0) + bytes);
  }
  return [...sums].toSorted(([, one], [, other]) => other - one);
}
