// CommonJS twins of the entry points, so that `require("atomgrad")` works on every supported Node.
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

await build({
  entryPoints: [
    { in: join(root, "dist/src/index.js"), out: "index" },
    { in: join(root, "dist/src/testing.js"), out: "testing" },
  ],
  outdir: join(root, "dist"),
  outExtension: { ".js": ".cjs" },
  bundle: true,
  platform: "node",
  format: "cjs",
  target: "node20",
  packages: "external",
  logLevel: "warning",
  // The addon's loader asks for its own place; in a CommonJS file that is __filename.
  define: { "import.meta.url": "undefined" },
});
