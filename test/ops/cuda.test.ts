import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openCuda } from "../../src/backends/cuda/cuda.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { absence, deviceMatrix } from "./device-matrix.js";

openCpu();
openReference();
setDefaultDevice("cpu");

await deviceMatrix({
  device: "cuda",
  dtypes: ["f32", "f64"],
  absent: await absence(() => openCuda()),
  slack: 4,
});
