import { type ConfigType, TOPIC_CONFIGS } from "../kafka/topic-config.ts";
import type { PartitionRegistration, TopicItem } from "./metadata-store.ts";

export interface ConfigEntry {
  readonly name: string;
  readonly value: string;
  readonly isDefault: boolean;
  readonly isReadOnly: boolean;
  readonly isSensitive: boolean;
  readonly source: "DYNAMIC_TOPIC_CONFIG" | "DEFAULT_CONFIG";
  readonly type: ConfigType;
  readonly documentation: string;
  /** Where the value comes from: what was set first, then the default behind it. */
  readonly synonyms: readonly {
    readonly name: string;
    readonly value: string;
    readonly source: ConfigEntry["source"];
  }[];
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  readonly replicationFactor: number;
  readonly partitions: readonly PartitionRegistration[];
  readonly configs: readonly ConfigEntry[];
}

export function describe(item: TopicItem, partitions: readonly PartitionRegistration[]): TopicDescription {
  const { name, topicId, replicationFactor } = item;
  return { name, topicId, isInternal: false, replicationFactor, partitions, configs: configEntries(item.configs) };
}

function configEntries(configs: Readonly<Record<string, string>>): ConfigEntry[] {
  return [...TOPIC_CONFIGS.values()].map(({ name, type, defaultValue, documentation }): ConfigEntry => {
    const set = Object.hasOwn(configs, name) ? configs[name] : undefined;
    const byDefault = { name, value: defaultValue, source: "DEFAULT_CONFIG" as const };
    return {
      name,
      value: set ?? defaultValue,
      isDefault: set === undefined,
      isReadOnly: false,
      isSensitive: false,
      source: set === undefined ? "DEFAULT_CONFIG" : "DYNAMIC_TOPIC_CONFIG",
      type,
      documentation,
      synonyms: set === undefined ? [byDefault] : [{ name, value: set, source: "DYNAMIC_TOPIC_CONFIG" }, byDefault],
    };
  });
}
