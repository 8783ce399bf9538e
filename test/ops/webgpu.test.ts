import { openCpu } from "../../src/backends/cpu/cpu.js";
import { openReference } from "../../src/backends/reference/reference.js";
import { openWebGpu } from "../../src/backends/webgpu/webgpu.js";
import { setDefaultDevice } from "../../src/tensor/device.js";
import { absence, deviceMatrix } from "./device-matrix.js";

openCpu();
openReference();
setDefaultDevice("cpu");

// WGSL allows its functions more rounding than the CPU's have (exp: 3 + 2|x| units in the last place, division: 2.5).
await deviceMatrix({ device: "webgpu", dtypes: ["f32"], absent: await absence(openWebGpu), slack: 8 });
