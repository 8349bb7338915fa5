import { defineConfig } from 'vitest/config';

/** Unit, contract, law and scenario tests need nothing but Node; test/e2e needs Debian packages and runs with `npm run test:all`. */
export default defineConfig({
  test: {
    include: process.env.E2E ? ['test/e2e/**/*.test.ts'] : ['test/**/*.test.ts'],
    exclude: process.env.E2E ? [] : ['test/e2e/**'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 20_000,
    hookTimeout: 60_000,
  },
});
