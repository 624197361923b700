const FIRST_BYTES = 1024;

/** Bytes that grow entry by entry, for indexes that are written front to back. */
export class EntryBuffer {
  #bytes = new Uint8Array(FIRST_BYTES);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** Room for the next `size` bytes: where they begin in `bytes`. */
  extend(size: number): { readonly bytes: Uint8Array; readonly at: number } {
    const at = this.#length;
    if (at + size > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(at + size, this.#bytes.length * 2));
      larger.set(this.#bytes);
      this.#bytes = larger;
    }
    this.#length = at + size;
    return { bytes: this.#bytes, at };
  }

  /** What was written. A view. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}
