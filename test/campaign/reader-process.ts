// node reader-process.mjs READER SEED RUNS FOLDER: the process of one reader in the campaign fuzz-readers.
import { fuzzReader } from "./fuzz-reader.js";
import type { ReaderMessage } from "./fuzz-readers.js";
import { readerSeeds } from "./reader-seeds.js";

const [name, seed, runs, folder] = process.argv.slice(2);
const say = (message: ReaderMessage): void => void process.send!(message);

try {
  const one = (await readerSeeds(folder)).find((candidate) => candidate.name === name)!;
  let said = performance.now();
  const onInput = (): void => {
    if (performance.now() - said < 1000) return;
    said = performance.now();
    say("alive");
  };
  say({ result: await fuzzReader(one, Number(seed), Number(runs), onInput) });
} catch (error) {
  const { message, cause } = error as Error;
  say({ failure: cause instanceof Error ? `${message}\n${cause.stack}` : message });
}
process.disconnect();
