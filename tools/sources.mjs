// Prints parts of the generated source list for binding.gyp: `flags`, `common`, `kernels`, or `isa NAME`.
import { readFileSync } from "node:fs";

const list = JSON.parse(readFileSync(new URL("../native/sources.generated.json", import.meta.url), "utf8"));
const [part, name] = process.argv.slice(2);
const items = part === "isa" ? (list.isas[process.arch]?.[name] ?? []) : list[part];
console.log(items.join("\n"));
