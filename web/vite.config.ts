import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Addresses of assets are relative to the page's <base>, so the service can stand under any path.
  base: "./",
  plugins: [svelte()],
  test: { css: { include: /tokens/ } },
  build: {
    outDir: "../service/pages/dist",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    rolldownOptions: { checks: { bundlerTimings: false } }, // it warns whoever has a slow machine
  },
});
