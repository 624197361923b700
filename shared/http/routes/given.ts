type Given<T> = { [Name in keyof T]?: NonNullable<T[Name]> };

/** What was given: fields of a body that are missing, or null, are left out. */
export function given<T extends Readonly<Record<string, unknown>>>(fields: T): Given<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== null),
  ) as Given<T>;
}
