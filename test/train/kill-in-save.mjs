// Loaded before the program (node --import): ends the process without warning at one moment of writing the third checkpoint.
// KILL_AT names the moment.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const moment = process.env.KILL_AT;
let descriptor;

/** Nothing runs after this: no handlers, no finally blocks, no flushing. */
function kill(at) {
  if (at === moment) process.kill(process.pid, "SIGKILL");
}

const { openSync, writeSync, fsyncSync, renameSync, rmSync } = fs;
fs.openSync = (path, ...rest) => {
  const opened = openSync(path, ...rest);
  if (String(path).includes(".model-3.safetensors.")) {
    descriptor = opened;
    kill("opened");
  }
  return opened;
};
fs.writeSync = (to, bytes, ...rest) => {
  if (to === descriptor && moment === "half") {
    writeSync(to, bytes.subarray(0, bytes.length / 2));
    kill("half");
  }
  return writeSync(to, bytes, ...rest);
};
fs.fsyncSync = (of) => {
  if (of === descriptor) kill("written");
  fsyncSync(of);
  if (of === descriptor) kill("synced");
};
fs.renameSync = (from, to) => {
  renameSync(from, to);
  if (String(to).endsWith("model-3.safetensors")) {
    descriptor = undefined;
    kill("renamed");
  }
};
fs.rmSync = (path, options) => {
  if (String(path).endsWith("model-1.safetensors")) kill("removing");
  rmSync(path, options);
  if (String(path).endsWith("model-1.safetensors")) kill("removed");
};
syncBuiltinESMExports();
