/**
 * Makes a value when it is first asked for, and then remembers it. Schemas are made so: a function that starts would wait
 * for those of every route, and a request needs two.
 */
export function atFirstUse<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}
