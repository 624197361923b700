import { Transform, type TransformCallback } from "node:stream";

/** Bytes on their way at a time; beyond it whoever sends has to wait. */
const MAX_BYTES = 4 * 1024 * 1024;

/** What a way is like just now. */
export interface WayState {
  /** What crosses is lost without a word, as where packets are dropped. */
  readonly isCut: boolean;
  /** So long takes what crosses. */
  readonly delayMs: number;
}

/** Passes on what is written to it, in order, each piece after the delay that holds when it comes; while it is cut, nothing. */
export function slowed(state: () => WayState): Transform {
  return new Slowed(state);
}

class Slowed extends Transform {
  readonly #state: () => WayState;
  /** On their way; the one that arrives first is first. */
  readonly #pieces: { readonly piece: Buffer; readonly dueAt: number }[] = [];
  #bytes = 0;
  #timer: NodeJS.Timeout | undefined;
  #goOn: TransformCallback | undefined;
  #end: TransformCallback | undefined;

  constructor(state: () => WayState) {
    super();
    this.#state = state;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, callback: TransformCallback): void {
    const { isCut, delayMs } = this.#state();
    if (isCut) {
      callback();
      return;
    }
    if (delayMs === 0 && this.#pieces.length === 0) {
      callback(null, piece);
      return;
    }
    // No piece overtakes another, whatever the delay was when each of them came.
    const dueAt = Math.max(this.#pieces.at(-1)?.dueAt ?? 0, performance.now() + delayMs);
    this.#pieces.push({ piece, dueAt });
    this.#bytes += piece.length;
    this.#timer ??= setTimeout(() => this.#pass(), delayMs);
    if (this.#bytes < MAX_BYTES) callback();
    else this.#goOn = callback;
  }

  override _flush(callback: TransformCallback): void {
    if (this.#pieces.length === 0) callback();
    else this.#end = callback;
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    clearTimeout(this.#timer);
    callback(error);
  }

  #pass(): void {
    this.#timer = undefined;
    const now = performance.now();
    const { isCut } = this.#state();
    while (this.#pieces[0] !== undefined && this.#pieces[0].dueAt <= now) {
      const { piece } = this.#pieces.shift()!;
      this.#bytes -= piece.length;
      if (!isCut) this.push(piece);
    }
    const next = this.#pieces[0];
    if (next !== undefined) this.#timer = setTimeout(() => this.#pass(), Math.ceil(next.dueAt - now));
    const [goOn, end] = [this.#goOn, this.#end];
    if (goOn !== undefined && this.#bytes < MAX_BYTES) {
      this.#goOn = undefined;
      goOn();
    }
    if (this.#pieces.length === 0) end?.();
  }
}
