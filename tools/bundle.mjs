// The package's entry points: CommonJS twins, so that `require("atomgrad")` works on every supported Node, and ES modules in few
// files, because opening hundreds of small ones takes longer than a potential takes to its first energy.
import { build } from "esbuild";
import { rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundleBrowser } from "./bundle-browser.mjs";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const shared = {
  entryPoints: ["index", "testing"].map((out) => ({ in: join(root, `dist/src/${out}.js`), out })),
  outdir: join(root, "dist"),
  bundle: true,
  platform: "node",
  target: "node20",
  packages: "external",
  logLevel: "warning",
};

rmSync(join(root, "dist", "chunks"), { recursive: true, force: true });
await build({
  ...shared,
  format: "esm",
  outExtension: { ".js": ".mjs" },
  // What is imported on demand stays on demand, and both entry points share one copy of the rest.
  splitting: true,
  chunkNames: "chunks/[name]-[hash]",
});
await build({
  ...shared,
  format: "cjs",
  outExtension: { ".js": ".cjs" },
  // The addon's loader asks for its own place; in a CommonJS file that is __filename.
  define: { "import.meta.url": "undefined" },
});
await bundleBrowser();
