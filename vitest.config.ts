import { defineConfig } from "vitest/config";

const project = (name: string, include: string[], testTimeout: number) => ({
  test: { name, include, testTimeout, hookTimeout: 60_000, pool: "forks" as const },
});

export default defineConfig({
  test: {
    projects: [
      project("unit", ["test/unit/**/*.test.ts"], 20_000),
      project("tidy", ["test/tidy/**/*.test.ts"], 60_000),
      project("contract", ["test/contract/**/*.test.ts"], 60_000),
      project("integration", ["test/integration/**/*.test.ts"], 120_000),
      project("infra", ["test/infra/**/*.test.ts"], 120_000),
      project("deploy", ["test/deploy/**/*.test.ts"], 120_000),
      project("compat", ["test/compat/**/*.test.ts"], 120_000),
      project("sim", ["test/sim/**/*.test.ts"], 600_000),
    ],
  },
});
