import { spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../cli/bundle.js";

/** Where the three builds leave the objects of kernels for instruction sets beyond the baseline. */
const places: readonly (readonly [folder: string, object: RegExp])[] = [
  ["build/plain", /^avx(2|512)_.*\.o$/],
  ["build/CMakeFiles", /kernels_avx(2|512)\.dir.*\.o$/],
  ["build/Release/obj.target", /kernels_avx(2|512).*\.o$/],
];

const objects = places.flatMap(([folder, object]) => {
  const path = join(root, folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  return names.filter((name) => object.test(name)).map((name) => join(path, name));
});
const hasNm = spawnSync("nm", ["--version"]).status === 0;

describe("objects compiled for AVX2 and AVX-512", () => {
  // The linker keeps one copy of a weak symbol (an inline function of the C++ library, say). Were it that of an AVX-512
  // object, the baseline kernels would end in an illegal instruction on an older chip.
  it.skipIf(!hasNm || objects.length === 0)(
    "export no weak symbols (needs nm, and an addon built here on x64)",
    () => {
      const { stdout, status } = spawnSync("nm", ["-A", "-C", "--defined-only", ...objects], {
        encoding: "utf8",
        maxBuffer: 2 ** 28,
      });
      expect(status).toBe(0);
      const lines = stdout.split("\n").filter((line) => line !== "");
      expect(lines.length).toBeGreaterThan(objects.length);
      expect(lines.filter((line) => / [VvWwu] /.test(line))).toEqual([]);
      // What they do export stands in the namespace of their instruction set.
      const exported = lines.filter((line) => / [A-TX-Z] /.test(line));
      expect(exported.filter((line) => !/ag::avx(2|512)::/.test(line))).toEqual([]);
    },
  );
});
