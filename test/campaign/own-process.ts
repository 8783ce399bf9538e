import { fork } from "node:child_process";
import { once } from "node:events";

/** What a process of reader-process.ts says: that it is alive, or how it ended. */
export type ProcessMessage<T> = "alive" | { readonly result: T } | { readonly failure: string };

/** A process that says nothing for so long hangs in one input. Ticks, not a clock: both processes may be stopped for a while. */
const tickMs = 10_000;
const silentTicks = 12;

/** Runs reader-process.ts for one name; a process that ends by itself or falls silent is a failure too. */
export async function inOwnProcess<T>(
  program: string,
  name: string,
  seed: number,
  runs: number,
  folder: string,
): Promise<T> {
  const child = fork(program, [name, String(seed), String(runs), folder]);
  let answer: ProcessMessage<T> = "alive";
  let quiet = 0;
  const watch = setInterval(() => {
    if (++quiet < silentTicks) return;
    answer = {
      failure: `${name}: silent for ${(silentTicks * tickMs) / 1000} s; the input stands in ${folder}`,
    };
    child.kill("SIGKILL");
  }, tickMs);
  child.on("message", (message: ProcessMessage<T>) => {
    answer = message;
    quiet = 0;
  });
  const [status, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  clearInterval(watch);
  const said = answer as ProcessMessage<T>;
  if (said === "alive")
    throw new Error(`${name}: the process ended with ${signal ?? status}; the input stands in ${folder}`);
  if ("failure" in said) throw new Error(said.failure);
  return said.result;
}
