import type { Route } from "./route.ts";
import { v2ProduceRoutes } from "./routes/v2-produce.ts";
import { electionRoutes } from "./routes/v3-elections.ts";
import { produceRoutes } from "./routes/v3-produce.ts";
import { producerRoutes } from "./routes/v3-producers.ts";
import { recordDeletionRoutes } from "./routes/v3-record-deletions.ts";
import { topicChangeRoutes } from "./routes/v3-topic-changes.ts";
import { topicConfigChangeRoutes } from "./routes/v3-topic-config-changes.ts";

/** The routes of the produce function: all that write. */
export const PRODUCE_ROUTES: readonly Route[] = [
  ...produceRoutes,
  ...v2ProduceRoutes,
  ...producerRoutes,
  ...recordDeletionRoutes,
  ...topicChangeRoutes,
  ...topicConfigChangeRoutes,
  ...electionRoutes,
];
