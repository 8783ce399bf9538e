import type { DeviceName } from "./tensor/backend.js";
import { AtomgradError } from "./tensor/error.js";

/** Backends are loaded when asked for: a browser never sees the native ones. */
const openers: Readonly<Record<DeviceName, () => Promise<void>>> = {
  cpu: async () => (await import("./backends/cpu/cpu.js")).openCpu(),
  cuda: async () => (await import("./backends/cuda/cuda.js")).openCuda(),
  webgpu: async () => (await import("./backends/webgpu/webgpu.js")).openWebGpu(),
  reference: async () => (await import("./backends/reference/reference.js")).openReference(),
};

/**
 * Opens a device, so that tensors can be made on it (once; later calls do nothing). The first one opened is the default.
 * Errors: VALUE for an unknown name; NATIVE or DEVICE when this machine lacks it, with what to install.
 */
export async function openDevice(name: DeviceName): Promise<void> {
  if (!Object.hasOwn(openers, name))
    throw new AtomgradError(
      "VALUE",
      `openDevice: unknown device "${String(name)}"; known: ${Object.keys(openers).join(", ")}`,
    );
  await openers[name]();
}

/** The devices this machine has. Opens them; the default stays what it was, or becomes "cpu". */
export async function devices(): Promise<DeviceName[]> {
  const found: DeviceName[] = [];
  for (const name of ["cpu", "cuda", "webgpu", "reference"] as const) {
    try {
      await openDevice(name);
      found.push(name);
    } catch (error) {
      if (!(error instanceof AtomgradError)) throw error;
    }
  }
  return found;
}
