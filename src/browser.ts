/**
 * What runs in a browser: tensors, autograd and every operation on WebGPU, neighbour lists, optimisers. No native code and
 * no Node import. Bundled as `atomgrad/browser`.
 */
export * from "./autograd/grad.js";
export { detach, isRecording, noGrad, requireGrad } from "./autograd/node.js";
export { type KernelProfile, profile } from "./autograd/profile.js";
export { reshape } from "./autograd/reshape.js";
export { openReference } from "./backends/reference/reference.js";
export { openWebGpu, webGpuAdapter } from "./backends/webgpu/webgpu.js";
export { type BrowserDevice, devices, openDevice } from "./browser-devices.js";
export { defaultDevice, device, isOpen, memory, setDefaultDevice } from "./tensor/device.js";
export { AtomgradError } from "./tensor/error.js";
export { keep, scope, scopeAsync } from "./tensor/scope.js";
export { full, ones, Tensor, tensor, zeros } from "./tensor/tensor.js";
export * from "../kernels/index.generated.js";
export { edgeGraph } from "./geometry/batch.js";
export {
  type FramesNeighborList,
  neighborList,
  neighborListAsync,
  neighborListOfFrames,
  neighborListOfFramesAsync,
  type NeighborList,
} from "./geometry/neighbor-list.js";
export { type NeighborTensors, neighborTensorsAsync } from "./geometry/neighbor-tensors.js";
export { Adam, AdamW, Sgd } from "./nn/optimizer.js";
