import type { Route } from "./route.ts";
import { openApiRoutes } from "./routes/openapi-routes.ts";
import { v2ProduceRoutes } from "./routes/v2-produce.ts";
import { v2TopicRoutes } from "./routes/v2-topics.ts";
import { brokerRoutes } from "./routes/v3-brokers.ts";
import { clusterRoutes } from "./routes/v3-clusters.ts";
import { fetchRoutes } from "./routes/v3-fetch.ts";
import { leaderRoutes } from "./routes/v3-leaders.ts";
import { partitionRoutes } from "./routes/v3-partitions.ts";
import { produceRoutes } from "./routes/v3-produce.ts";
import { reassignmentRoutes } from "./routes/v3-reassignments.ts";
import { topicConfigRoutes } from "./routes/v3-topic-configs.ts";
import { topicRoutes } from "./routes/v3-topics.ts";

/** Every route there is: the Lambda handlers, the local service, the CDK app and the OpenAPI document read this table. */
export const ROUTES: readonly Route[] = [
  ...clusterRoutes,
  ...brokerRoutes,
  ...topicRoutes,
  ...topicConfigRoutes,
  ...partitionRoutes,
  ...reassignmentRoutes,
  ...leaderRoutes,
  ...produceRoutes,
  ...fetchRoutes,
  ...v2TopicRoutes,
  ...v2ProduceRoutes,
  ...openApiRoutes,
];
