import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { build } from "esbuild";

/** The repository. */
export const root = resolve(import.meta.dirname, "../..");

/**
 * Bundles a TypeScript program of this repository into one file, so that what runs is never an old build. The file has to
 * lie below the repository, where the addon and the dependencies are found; the caller removes it.
 */
export async function bundle(source: string, outfile: string): Promise<string> {
  mkdirSync(dirname(outfile), { recursive: true });
  await build({
    entryPoints: [join(root, source)],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    logLevel: "warning",
  });
  return outfile;
}
