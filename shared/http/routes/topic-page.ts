import type { TopicItem } from "../../broker/metadata-store.ts";

export interface TopicPage {
  readonly topics: readonly TopicItem[];
  /** Token of the next page: the name of the last topic on this one; undefined on the last page. */
  readonly next: string | undefined;
}

/** The page of topics, which come in order of name, that stand behind a token. */
export function pageOf(all: readonly TopicItem[], token: string | undefined, size: number): TopicPage {
  const left = token === undefined ? all : all.filter(({ name }) => name > token);
  const topics = left.slice(0, size);
  return { topics, next: topics.length < left.length ? topics.at(-1)?.name : undefined };
}
