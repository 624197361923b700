/** Google's set of keys has 2 KB, Microsoft's 20 KB. */
const MAX_BYTES = 256 * 1024;

/**
 * A JSON document of an issuer, as text. The signal ends the wait for it, body included. A redirect is an answer like any
 * other that is not 200: the document comes from where the settings or the issuer's own metadata say, or not at all.
 */
export async function fetchDocument(url: string, signal: AbortSignal): Promise<string> {
  const response = await fetch(url, {
    signal,
    redirect: "manual",
    // Not kept alive: the next fetch is minutes away, and a Lambda environment that was frozen finds dead connections.
    headers: { accept: "application/json, application/jwk-set+json", connection: "close" },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    const hint = response.status >= 300 && response.status < 400 ? "; redirects are not followed" : "";
    throw new Error(`${url} answered ${response.status}${hint}`);
  }
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const part of response.body ?? []) {
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Error(`${url} answered more than ${MAX_BYTES} bytes`);
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}
