/** For the SDK's event streams, which no operation of DynamoDB has. */
export const resolveEventStreamSerdeConfig = <T>(config: T): T => config;

export const eventStreamSerdeProvider = () => undefined;

export class EventStreamSerde {
  constructor() {
    throw new Error("a bundle for Lambda has no event streams");
  }
}
