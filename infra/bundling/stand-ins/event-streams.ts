/** For the SDK's event streams, which S3's SelectObjectContent has, and no command that Millrace sends. */
export const resolveEventStreamSerdeConfig = <T>(config: T): T => config;

export const eventStreamSerdeProvider = () => undefined;

export class EventStreamSerde {
  constructor() {
    throw new Error("a bundle for Lambda has no event streams");
  }
}
