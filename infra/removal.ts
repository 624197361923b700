import { RemovalPolicy } from "aws-cdk-lib";
import type { Settings } from "./settings.ts";

/** What becomes of data when its stack goes, or when a change would put another resource in its place. */
export function removal({ removalPolicy }: Settings): RemovalPolicy {
  return removalPolicy === "destroy" ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE;
}
