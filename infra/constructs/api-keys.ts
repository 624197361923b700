import { ApiKey, type IRestApi, Period, type RestApi } from "aws-cdk-lib/aws-apigateway";
import { Construct } from "constructs";
import type { Settings } from "../settings.ts";

export interface ApiKeysProps {
  readonly api: RestApi;
  readonly settings: Settings;
  readonly face: NonNullable<Settings["access"]["apiKey"]>;
}

/**
 * The API keys of a face, and the usage plan that meters each of them. API Gateway makes their values: a key is added or
 * taken away by its name in the settings, and its value is in no template and no output.
 */
export class ApiKeys extends Construct {
  /** Ids of the keys, by name: `aws apigateway get-api-key --include-value` shows the value to whoever may see it. */
  readonly ids: ReadonlyMap<string, string>;

  constructor(scope: Construct, id: string, { api, settings, face }: ApiKeysProps) {
    super(scope, id);
    const plan = api.addUsagePlan("UsagePlan", {
      name: settings.name,
      apiStages: [{ api: api as IRestApi, stage: api.deploymentStage }],
      throttle: { rateLimit: settings.throttle.ratePerSecond, burstLimit: settings.throttle.burst },
      ...(face.requestsPerMonth === undefined ? {} : { quota: { limit: face.requestsPerMonth, period: Period.MONTH } }),
    });
    const ids = new Map<string, string>();
    for (const name of face.keys) {
      const key = new ApiKey(this, name, {
        apiKeyName: `${settings.name}-${name}`,
        description: `Millrace ${settings.name}`,
      });
      plan.addApiKey(key);
      ids.set(name, key.keyId);
    }
    this.ids = ids;
  }
}
