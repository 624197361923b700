import type { Route } from "./route.ts";
import { v2ConsumerOffsetRoutes } from "./routes/v2-consumer-offsets.ts";
import { v2ConsumerPositionRoutes } from "./routes/v2-consumer-positions.ts";
import { v2ConsumerRecordRoutes } from "./routes/v2-consumer-records.ts";
import { v2ConsumerSubscriptionRoutes } from "./routes/v2-consumer-subscriptions.ts";
import { v2ConsumerRoutes } from "./routes/v2-consumers.ts";
import { consumerGroupRoutes } from "./routes/v3-consumer-groups.ts";
import { consumerHeartbeatRoutes } from "./routes/v3-consumer-heartbeats.ts";
import { consumerLagRoutes } from "./routes/v3-consumer-lags.ts";
import { consumerOffsetRoutes } from "./routes/v3-consumer-offsets.ts";
import { consumerPollRoutes } from "./routes/v3-consumer-polls.ts";
import { consumerRoutes } from "./routes/v3-consumers.ts";
import { offsetResetRoutes } from "./routes/v3-offset-resets.ts";

/** The routes of the coordinator function: all that is about consumer groups. */
export const COORDINATOR_ROUTES: readonly Route[] = [
  ...consumerGroupRoutes,
  ...consumerRoutes,
  ...consumerLagRoutes,
  ...consumerHeartbeatRoutes,
  ...consumerOffsetRoutes,
  ...offsetResetRoutes,
  ...consumerPollRoutes,
  ...v2ConsumerRoutes,
  ...v2ConsumerSubscriptionRoutes,
  ...v2ConsumerPositionRoutes,
  ...v2ConsumerOffsetRoutes,
  ...v2ConsumerRecordRoutes,
];
