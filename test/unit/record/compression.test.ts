import { zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPRESSION_TYPES } from "../../../shared/record/batch-header.ts";
import { compress, decompress } from "../../../shared/record/compression.ts";
import { compressLz4Block, decompressLz4Block } from "../../../shared/record/lz4-block.ts";
import { compressLz4Frame } from "../../../shared/record/lz4-frame.ts";
import { xxh32 } from "../../../shared/record/xxh32.ts";
import { codeOf } from "./corrupted-batch.ts";

const MAX_BYTES = 4 * 1024 * 1024;

/** Bytes with runs, repetitions near and far, and noise in them. */
const arbitraryContent = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.tuple(fc.nat(255), fc.nat(3000)).map(([byte, length]) => new Uint8Array(length).fill(byte)),
      fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 70 }), fc.nat(2000)).map(([part, times]) => {
        return Buffer.concat(new Array(times).fill(part));
      }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts));

const codecs = COMPRESSION_TYPES.filter((type) => type !== "none");

describe("compression", () => {
  for (const type of codecs) {
    it(`gives back what went in, up to the very limit (${type})`, () => {
      fc.assert(
        fc.property(arbitraryContent, (content) => {
          const found = decompress(type, compress(type, content), Math.max(content.length, 1));
          expect(content.equals(found)).toBe(true);
        }),
        { numRuns: 80 },
      );
    });

    it(`refuses one byte more than the limit (${type})`, () => {
      const content = new Uint8Array(100_000).fill(3);
      expect(codeOf(() => decompress(type, compress(type, content), content.length - 1))).toBe("MESSAGE_TOO_LARGE");
    });

    it(`refuses what is cut off anywhere (${type})`, () => {
      const whole = compress(type, Buffer.from("some text, some more text, and a text. ".repeat(9)));
      for (let length = 0; length < whole.length; length++) {
        const code = codeOf(() => decompress(type, whole.subarray(0, length), MAX_BYTES));
        // Xerial framing has no end mark: what holds its head alone is whole, and empty.
        if (type === "snappy" && length === 16) expect(code).toBe("accepted");
        else expect([length, code]).toEqual([length, "CORRUPT_MESSAGE"]);
      }
    });

    it(`takes whatever bytes come without worse than a refusal (${type})`, () => {
      fc.assert(
        fc.property(
          arbitraryContent,
          fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 5 }),
          (content, changes) => {
            const bytes = Buffer.from(compress(type, content));
            for (const [at, byte] of changes) bytes[at % bytes.length] = byte;
            expect(["accepted", "CORRUPT_MESSAGE", "MESSAGE_TOO_LARGE"]).toContain(
              codeOf(() => decompress(type, bytes, MAX_BYTES)),
            );
          },
        ),
        { numRuns: 150 },
      );
    });
  }

  it("takes no memory on the word of a snappy block", () => {
    const claimsFourGiB = Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f, 0, 1]);
    const claims64MiB = Buffer.from([0x80, 0x80, 0x80, 0x20, 0, 1]);
    const before = process.memoryUsage().arrayBuffers;
    expect(codeOf(() => decompress("snappy", claimsFourGiB, 64 * 1024 * 1024))).toBe("MESSAGE_TOO_LARGE");
    expect(codeOf(() => decompress("snappy", claims64MiB, 64 * 1024 * 1024))).toBe("CORRUPT_MESSAGE");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1024 * 1024);
  });

  it("refuses a snappy block that yields less or more than it claims", () => {
    const literal = (claim: number) => Buffer.from([claim, 2 << 2, 65, 66, 67]);
    expect(decompress("snappy", literal(3), MAX_BYTES)).toEqual(new Uint8Array([65, 66, 67]));
    for (const claim of [0, 2, 4])
      expect(codeOf(() => decompress("snappy", literal(claim), MAX_BYTES))).toBe("CORRUPT_MESSAGE");
  });

  it("refuses bytes behind a zstd frame", () => {
    const frame = zstdCompressSync(Buffer.from("x"));
    expect(codeOf(() => decompress("zstd", Buffer.concat([frame, frame]), MAX_BYTES))).toBe("CORRUPT_MESSAGE");
  });

  it("refuses a zstd frame that asks for a window of gigabytes", () => {
    const windowOf2GiB = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 0x03, 0x00, 0x00]);
    expect(codeOf(() => decompress("zstd", windowOf2GiB, MAX_BYTES))).toBe("CORRUPT_MESSAGE");
  });

  it("refuses an lz4 frame whose header, content size or version is wrong", () => {
    const frame = (flags: number, size: number) => {
      const descriptor = Buffer.from([flags, 0x40, size, 0, 0, 0, 0, 0, 0, 0]);
      const checksum = (xxh32(descriptor) >>> 8) & 0xff;
      const stored = [2, 0, 0, 0x80, 65, 66, 0, 0, 0, 0];
      return Buffer.concat([
        compressLz4Frame(new Uint8Array()).subarray(0, 4),
        descriptor,
        Buffer.from([checksum, ...stored]),
      ]);
    };
    expect(Buffer.from(decompress("lz4", frame(0x68, 2), MAX_BYTES)).toString()).toBe("AB");
    expect(codeOf(() => decompress("lz4", frame(0x68, 3), MAX_BYTES))).toBe("CORRUPT_MESSAGE");
    expect(codeOf(() => decompress("lz4", frame(0xa8, 2), MAX_BYTES))).toBe("CORRUPT_MESSAGE");
    const wrongChecksum = frame(0x68, 2);
    wrongChecksum[14]! ^= 1;
    expect(codeOf(() => decompress("lz4", wrongChecksum, MAX_BYTES))).toBe("CORRUPT_MESSAGE");
  });

  it("keeps lz4's end conditions: five literals last", () => {
    const block = compressLz4Block(new Uint8Array(1000).fill(7))!;
    expect(Array.from(block.subarray(-6))).toEqual([5 << 4, 7, 7, 7, 7, 7]);
    expect(decompressLz4Block(block, new Uint8Array(1000), 0)).toBe(1000);
  });

  it("reads many small lz4 blocks near the limit without copying everything for each", () => {
    const limit = 64 * 1024 * 1024;
    const sized = (block: Uint8Array) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(block.length);
      return Buffer.concat([length, block]);
    };
    const descriptor = Buffer.from([0x60, 0x70]);
    const head = Buffer.from([4, 0x22, 0x4d, 0x18, ...descriptor, (xxh32(descriptor) >>> 8) & 0xff]);
    const of4MiB = sized(compressLz4Block(new Uint8Array(4 * 1024 * 1024))!);
    const ofHundredBytes = sized(Buffer.from([0xf0, 85, ...new Array(100).fill(1)]));
    const many = Math.floor((limit - 15 * 4 * 1024 * 1024) / 100);
    const blocks = [...new Array(15).fill(of4MiB), ...new Array(many).fill(ofHundredBytes)];
    const frame = Buffer.concat([head, ...blocks, Buffer.alloc(4)]);
    const start = performance.now();
    expect(decompress("lz4", frame, limit).length).toBe(15 * 4 * 1024 * 1024 + 100 * many);
    // A fraction of a second; it was nine when the output grew block by block at its end.
    expect(performance.now() - start).toBeLessThan(4_000);
  });

  it("passes over hundreds of thousands of empty pieces in bounded time", () => {
    const xerialHead = compress("snappy", new Uint8Array());
    const emptySnappy = Buffer.concat([xerialHead, ...new Array(200_000).fill(Buffer.from([0, 0, 0, 1, 0]))]);
    const zstdHead = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x00]);
    const emptyZstd = Buffer.concat([zstdHead, Buffer.alloc(3 * 300_000), Buffer.from([1, 0, 0])]);
    const start = performance.now();
    expect(decompress("snappy", emptySnappy, MAX_BYTES).length).toBe(0);
    expect(decompress("zstd", emptyZstd, MAX_BYTES).length).toBe(0);
    expect(performance.now() - start).toBeLessThan(4_000);
  });
});
