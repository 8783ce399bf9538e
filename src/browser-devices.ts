import { openReference } from "./backends/reference/reference.js";
import { openWebGpu } from "./backends/webgpu/webgpu.js";
import type { DeviceName } from "./tensor/backend.js";
import { AtomgradError } from "./tensor/error.js";

/** The devices a browser can have. */
export type BrowserDevice = Extract<DeviceName, "webgpu" | "reference">;

const openers: Readonly<Record<BrowserDevice, () => void | Promise<void>>> = {
  webgpu: openWebGpu,
  reference: openReference,
};

/**
 * Opens a device, so that tensors can be made on it (once; later calls do nothing). The first one opened is the default.
 * Errors: VALUE for a device that browsers do not have; DEVICE when this browser has no WebGPU.
 */
export async function openDevice(name: BrowserDevice): Promise<void> {
  if (!Object.hasOwn(openers, name))
    throw new AtomgradError(
      "VALUE",
      `openDevice: browsers have no device "${String(name)}"; they have: ${Object.keys(openers).join(", ")}`,
    );
  await openers[name]();
}

/** The devices this browser has. Opens them; the default stays what it was, or becomes the first of them. */
export async function devices(): Promise<BrowserDevice[]> {
  const found: BrowserDevice[] = [];
  for (const name of ["webgpu", "reference"] as const) {
    try {
      await openDevice(name);
      found.push(name);
    } catch (error) {
      if (!(error instanceof AtomgradError)) throw error;
    }
  }
  return found;
}
