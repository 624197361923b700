import { Link } from "./link.ts";
import type { Region } from "./region.ts";

/** All that crosses between regions, and between each of them and the metadata: one link for each pair and direction. */
export class RegionLinks {
  readonly #metadataPort: number;
  readonly #links: { readonly from: string; readonly to: string; readonly link: Link; readonly url: string }[] = [];

  constructor(metadataPort: number) {
    this.#metadataPort = metadataPort;
  }

  async open(regions: readonly Region[]): Promise<void> {
    for (const from of regions) {
      const isCut = () => from.state === "isolated";
      const toMetadata = () => ({ port: this.#metadataPort, isCut: isCut(), delayMs: from.delayMs });
      await this.#add(from.name, "metadata", new Link(toMetadata));
      for (const to of regions.filter((other) => other !== from)) {
        const state = () => ({
          port: to.storePort,
          isCut: isCut() || to.state === "isolated",
          delayMs: from.delayMs + to.delayMs,
        });
        await this.#add(from.name, to.name, new Link(state));
      }
    }
  }

  /** Where a process of region `from` finds the store of region `to`. */
  between(from: string, to: string): string {
    return this.#links.find((link) => link.from === from && link.to === to)!.url;
  }

  toMetadata(from: string): string {
    return this.between(from, "metadata");
  }

  /** Ends what goes over the links of a region. */
  reset(region: string): void {
    for (const { from, to, link } of this.#links) if (from === region || to === region) link.reset();
  }

  close(): void {
    for (const { link } of this.#links) link.close();
  }

  async #add(from: string, to: string, link: Link): Promise<void> {
    this.#links.push({ from, to, link, url: await link.listen() });
  }
}
