// npm start [-- --data DIR] [--minutes M] [--steps N] [--output DIR]: installs and builds what is missing, then trains a
// potential, tests it on structures it never saw and writes a report.
import { join } from "node:path";
import { node, prepare } from "./prepare.mjs";

prepare();
node(join("dist", "src", "cli", "start.js"), ...process.argv.slice(2));
