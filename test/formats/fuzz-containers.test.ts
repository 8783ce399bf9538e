import { fuzzEveryReader } from "./fuzz-every-reader.js";

await fuzzEveryReader("container");
