/** The environment of the lease function: a broker's. */
export { BROKER_ENVIRONMENT as ENVIRONMENT, readBrokerEnvironment as readEnvironment } from "../broker-environment.ts";
