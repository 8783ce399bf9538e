// node reader-process.mjs NAME SEED RUNS FOLDER: the process of one reader in the campaign fuzz-readers, or of fuzz-folders.
import { fuzzFolders } from "./fuzz-folders.js";
import { fuzzReader } from "./fuzz-reader.js";
import type { ProcessMessage } from "./own-process.js";
import { readerSeeds } from "./reader-seeds.js";

const [name, seed, runs, folder] = process.argv.slice(2);
const say = (message: ProcessMessage<unknown>): void => void process.send!(message);

try {
  let said = performance.now();
  const onInput = (): void => {
    if (performance.now() - said < 1000) return;
    said = performance.now();
    say("alive");
  };
  say({ result: await fuzz(Number(seed), Number(runs), onInput) });
} catch (error) {
  const { message, cause } = error as Error;
  say({ failure: cause instanceof Error ? `${message}\n${cause.stack}` : message });
}
process.disconnect();

async function fuzz(seed: number, runs: number, onInput: () => void): Promise<unknown> {
  if (name === "fuzz-folders") return fuzzFolders(seed, runs, folder, onInput);
  const one = (await readerSeeds(folder)).find((candidate) => candidate.name === name)!;
  return fuzzReader(one, seed, runs, onInput);
}
