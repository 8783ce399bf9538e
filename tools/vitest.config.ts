import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/** Files that take most of a minute or longer, by what they compile or drive: begun last, they would leave other cores idle. */
const longest = [
  "ops/cuda-emulated",
  "native/builds",
  "native/vector-programs",
  "ops/webgpu",
  "ops/matrix",
  "cli/bad-input",
  "browser/browser",
  "formats/fuzz-containers",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const place = ({ moduleId }: TestSpecification): number => {
      const k = longest.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
      return k < 0 ? longest.length : k;
    };
    return sorted.sort((a, b) => place(a) - place(b));
  }
}

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    pool: "forks",
    // Much of the time is spent in compilers and other programs: on two cores, too, two files run at once.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    sequence: { sequencer: LongestFirst },
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
