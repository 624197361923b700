import { MAX_RESPONSE_BYTES } from "../../kafka/limits.ts";
import type { TopicPage } from "./topic-page.ts";

/** Bytes of resources on one page, as of topic-page.ts. */
const MAX_PAGE_BYTES = MAX_RESPONSE_BYTES - 16 * 1024;

/** The page of a list behind its first `token` items: as many as an answer holds. What changes in between may be met twice, or not at all. */
export function itemPage<T>(
  items: readonly T[],
  token: number | undefined,
  resourceOf: (item: T) => object,
): TopicPage {
  const texts: string[] = [];
  let left = MAX_PAGE_BYTES;
  const from = token ?? 0;
  for (let at = from; at < items.length; at++) {
    const text = JSON.stringify(resourceOf(items[at]!));
    left -= Buffer.byteLength(text) + 1;
    if (left < 0 && at > from) return { texts, next: String(at) };
    texts.push(text);
  }
  return { texts, next: undefined };
}
