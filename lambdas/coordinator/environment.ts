/** The environment of the coordinator function: a broker's, the group table among it. */
export { BROKER_ENVIRONMENT as ENVIRONMENT, readBrokerEnvironment as readEnvironment } from "../broker-environment.ts";
