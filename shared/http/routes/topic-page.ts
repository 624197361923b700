import type { TopicItem } from "../../broker/metadata-store.ts";
import { MAX_RESPONSE_BYTES } from "../../kafka/limits.ts";

/** Bytes of resources on one page: all that an answer may have, less room for what stands around them. */
const MAX_PAGE_BYTES = MAX_RESPONSE_BYTES - 16 * 1024;

export interface TopicPage {
  /** Resources as JSON. */
  readonly texts: readonly string[];
  /** Token of the next page: the name of the last topic on this one; undefined on the last page. */
  readonly next: string | undefined;
}

type MaybePromise<T> = T | Promise<T>;

/**
 * The page behind a token of what `resourcesOf` makes of topics, which come in order of name: as many topics as an answer
 * holds, each of them whole. What there is of one topic at most must fit. `resourcesOf` gets `atOnce` topics, and answers
 * in their order.
 */
export async function topicPage(
  all: readonly TopicItem[],
  token: string | undefined,
  resourcesOf: (topics: readonly TopicItem[]) => MaybePromise<readonly (readonly object[])[]>,
  atOnce = 100,
): Promise<TopicPage> {
  const texts: string[] = [];
  const from = token === undefined ? 0 : all.findIndex(({ name }) => name > token);
  let left = MAX_PAGE_BYTES;
  let last: string | undefined;
  for (let at = from; at >= 0 && at < all.length; at += atOnce) {
    const topics = all.slice(at, at + atOnce);
    for (const [index, resources] of (await resourcesOf(topics)).entries()) {
      const added = resources.map((resource) => JSON.stringify(resource));
      left -= added.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0);
      if (left < 0 && last !== undefined) return { texts, next: last };
      texts.push(...added);
      last = topics[index]!.name;
    }
  }
  return { texts, next: undefined };
}
