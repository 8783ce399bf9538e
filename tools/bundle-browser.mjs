// The browser's file: one ES module without a Node import, dist/browser/atomgrad.mjs.
import { build } from "esbuild";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");

/** Bundles an entry point for browsers; what only Node has is an error. */
export async function bundleForBrowser(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: "browser",
    format: "esm",
    target: "es2022",
    logLevel: "warning",
    write: options.outfile !== undefined,
    ...options,
  });
  return outputFiles?.[0].text;
}

/** Writes the package's file from the compiled sources. */
export function bundleBrowser() {
  return bundleForBrowser(join(root, "dist/src/browser.js"), {
    outfile: join(root, "dist/browser/atomgrad.mjs"),
    minify: true,
  });
}
