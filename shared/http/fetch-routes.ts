import type { Route } from "./route.ts";
import { openApiRoutes } from "./routes/openapi-routes.ts";
import { v2TopicRoutes } from "./routes/v2-topics.ts";
import { brokerRoutes } from "./routes/v3-brokers.ts";
import { clusterRoutes } from "./routes/v3-clusters.ts";
import { fetchRoutes } from "./routes/v3-fetch.ts";
import { leaderEpochRoutes } from "./routes/v3-leader-epochs.ts";
import { partitionRoutes } from "./routes/v3-partitions.ts";
import { reassignmentRoutes } from "./routes/v3-reassignments.ts";
import { topicConfigRoutes } from "./routes/v3-topic-configs.ts";
import { topicRoutes } from "./routes/v3-topics.ts";

/** The routes of the fetch function: all that only read. */
export const FETCH_ROUTES: readonly Route[] = [
  ...clusterRoutes,
  ...brokerRoutes,
  ...topicRoutes,
  ...topicConfigRoutes,
  ...partitionRoutes,
  ...reassignmentRoutes,
  ...leaderEpochRoutes,
  ...fetchRoutes,
  ...v2TopicRoutes,
  ...openApiRoutes,
];
