/** For the SDK's adaptive retries, which nobody asks for: it sends a request once, and whoever calls repeats on its own terms. */
export class DefaultRateLimiter {
  constructor() {
    throw new Error("a bundle for Lambda has no adaptive retries: leave AWS_RETRY_MODE alone");
  }
}
