import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const SERVER = process.env.PAROLA_URL ?? "http://127.0.0.1:8400";
const BUILT = "../parola/dashboard/built";

/** The server sends files as they lie there: what browsers can take compressed lies beside each, made once. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const entry of readdirSync(BUILT, { recursive: true, encoding: "utf8" })) {
        const path = join(BUILT, entry);
        if (!/\.(js|css|html|svg|json)$/.test(path) || !statSync(path).isFile()) continue;
        const content = readFileSync(path);
        if (content.length < 1024) continue;
        writeFileSync(`${path}.gz`, gzipSync(content, { level: 9 }));
        const quality = { [constants.BROTLI_PARAM_QUALITY]: 11 };
        writeFileSync(`${path}.br`, brotliCompressSync(content, { params: quality }));
      }
    },
  };
}

export default defineConfig(({ command }) => ({
  base: command === "build" ? "./" : "/dashboard/",
  plugins: [react(), compressed()],
  resolve: { alias: { "@": new URL("./src", import.meta.url).pathname } },
  build: {
    outDir: BUILT,
    emptyOutDir: true,
    target: ["chrome123", "edge123", "firefox121", "safari17.5"],
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { "/v1": { target: SERVER, ws: true }, "/health": SERVER, "/openapi.json": SERVER } },
}));
