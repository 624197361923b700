import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Link } from "../../../local/link.ts";

/** What a link does to what crosses it, over real sockets. */
const state = { port: undefined as number | undefined, isCut: false, delayMs: 0 };
const server = createServer(async (request, response) => {
  let bytes = 0;
  for await (const piece of request) bytes += (piece as Buffer).length;
  answered++;
  response.end("x".repeat(bytes));
});
let answered = 0;
let link: Link;
let url: string;
beforeEach(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  Object.assign(state, { port: (server.address() as AddressInfo).port, isCut: false, delayMs: 0 });
  answered = 0;
  link = new Link(() => state);
  url = await link.listen();
});
afterEach(() => {
  link.close();
  server.closeAllConnections();
  server.close();
});

async function sent(size: number, withinMs = 10_000): Promise<number> {
  const signal = AbortSignal.timeout(withinMs);
  const response = await fetch(url, { method: "POST", body: "x".repeat(size), signal });
  return (await response.text()).length;
}

describe("a link between regions", () => {
  it("carries all there is both ways, slow or not, and while it changes", async () => {
    const size = 9_000_000;
    expect(await sent(size)).toBe(size);
    state.delayMs = 5;
    const crossing = [sent(size), sent(size), sent(10)];
    await sent(1_000_000);
    state.delayMs = 0;
    expect(await Promise.all(crossing)).toEqual([size, size, 10]);
  });

  it("takes its delay each way", async () => {
    state.delayMs = 150;
    const start = performance.now();
    expect(await sent(10)).toBe(10);
    expect(performance.now() - start).toBeGreaterThan(295);
  });

  it("loses what is sent while it is cut, on old and new connections, and works anew when it was reset", async () => {
    expect(await sent(1)).toBe(1);
    state.isCut = true;
    await expect(sent(2, 200)).rejects.toThrow("timeout");
    await expect(sent(3, 200)).rejects.toThrow("timeout");
    state.isCut = false;
    link.reset();
    // A client may take one that was just reset for a good one, once.
    expect(await sent(4).catch(() => sent(4))).toBe(4);
    expect(answered).toBe(2);
  });

  it("loses an answer that was on its way when it was cut", async () => {
    state.delayMs = 100;
    const lost = expect(sent(5, 800)).rejects.toThrow("timeout");
    while (answered === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    state.isCut = true;
    await lost;
    expect(answered).toBe(1);
  });

  it("breaks connections where nothing is at the other end", async () => {
    state.port = undefined;
    await expect(sent(6)).rejects.toThrow("fetch failed");
    state.port = 1;
    await expect(sent(7)).rejects.toThrow("fetch failed");
  });
});
