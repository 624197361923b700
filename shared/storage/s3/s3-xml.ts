/**
 * As much of XML as S3's answers have: elements without attributes that matter, in a known order, text escaped by five names and by numbers.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html
 */
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The text in the first element of that name; undefined if there is none. */
export function textOfElement(xml: string, name: string): string | undefined {
  const content = elements(xml, name)[0];
  return content === undefined ? undefined : decoded(content);
}

/** What stands in each element of that name, as it stands there. */
export function elements(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}(?: [^>]*)?>([\\s\\S]*?)</${name}>`, "g"))].map(
    ([, content]) => content!,
  );
}

function decoded(text: string): string {
  return text.replaceAll(/&(#x[0-9a-f]+|#\d+|[a-z]+);/gi, (found, entity: string) => {
    if (!entity.startsWith("#")) return ENTITIES[entity] ?? found;
    const code = entity[1] === "x" ? Number.parseInt(entity.slice(2), 16) : Number(entity.slice(1));
    return code <= 0x10ffff ? String.fromCodePoint(code) : found;
  });
}
