import { readdirSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { getThreads, matmul, scope, setThreads, tensor } from "../../src/index.js";

const threads = getThreads();
afterEach(() => setThreads(threads));

/** The processors each thread of this process may use. */
const allowed = (): (string | undefined)[] =>
  readdirSync("/proc/self/task").map(
    (id) => /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync(`/proc/self/task/${id}/status`, "utf8"))?.[1],
  );

it.skipIf(process.platform !== "linux")(
  "workers woken from a pause may run everywhere again (Linux)",
  async () => {
    const before = new Set(allowed());
    setThreads(4);
    for (let pause = 0; pause < 20; pause++) {
      scope(() => {
        const a = tensor(new Float32Array(300 * 300).fill(1), [300, 300], { dtype: "f32" });
        // The second product wakes workers that may not yet have come to the first.
        for (let k = 0; k < 2; k++) matmul(a, a);
      });
      await setTimeout(5);
    }
    await setTimeout(50);
    expect(new Set(allowed())).toEqual(before);
  },
);
