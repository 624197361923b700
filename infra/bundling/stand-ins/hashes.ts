/** For the SDK's hashes in JavaScript, which it falls back on where node:crypto is missing: in browsers. */
export class Sha256Js {
  constructor() {
    throw new Error("a bundle for Lambda hashes by node:crypto");
  }
}

export const Sha1Js = Sha256Js;
