import { MemoryLogStore } from "../../shared/storage/memory/memory-log-store.ts";
import { MemoryMetadataStore } from "../../shared/storage/memory/memory-metadata-store.ts";
import { MemorySegmentStore } from "../../shared/storage/memory/memory-segment-store.ts";
import { logStoreContract } from "./log-store.contract.ts";
import { metadataStoreContract } from "./metadata-store.contract.ts";
import { segmentStoreContract } from "./segment-store.contract.ts";

const [logs, metadata, segments] = [new MemoryLogStore(), new MemoryMetadataStore(), new MemorySegmentStore()];
logStoreContract("memory", () => logs);
metadataStoreContract("memory", () => metadata);
segmentStoreContract("memory", () => segments);
