import type { Backend, DeviceName } from "./backend.js";
import { AtomgradError } from "./error.js";
import { type MemoryCounters, Pool } from "./pool.js";

/** A device in use: its backend, its pool and the number of live tensors on it. */
export class DeviceContext {
  readonly pool: Pool;
  /** Tensors that are alive; constant from step to step once training has warmed up. */
  tensors = 0;

  constructor(readonly backend: Backend) {
    this.pool = new Pool(backend);
  }

  get name(): DeviceName {
    return this.backend.device;
  }
}

const open = new Map<DeviceName, DeviceContext>();
let chosen: DeviceContext | undefined;

/** Makes a backend available as a device (called by the backends' open functions). The first becomes the default. */
export function addDevice(backend: Backend): DeviceContext {
  const context = new DeviceContext(backend);
  open.set(backend.device, context);
  chosen ??= context;
  return context;
}

/** The named device. Errors: DEVICE when it has not been opened. */
export function device(name: DeviceName): DeviceContext {
  const context = open.get(name);
  if (context === undefined)
    throw new AtomgradError(
      "DEVICE",
      `device "${name}" is not open; open devices: ${[...open.keys()].join(", ") || "none"}. Call \`await openDevice("${name}")\` first`,
    );
  return context;
}

/** Whether the device has been opened. */
export function isOpen(name: DeviceName): boolean {
  return open.has(name);
}

/** The device new tensors go to. Errors: DEVICE when none is open. */
export function defaultDevice(): DeviceContext {
  if (chosen === undefined)
    throw new AtomgradError("DEVICE", 'no device is open; call `openDevice("cpu")` first');
  return chosen;
}

/** Sends new tensors to this device from now on; returns the one before. */
export function setDefaultDevice(name: DeviceName): DeviceName | undefined {
  const before = chosen?.name;
  chosen = device(name);
  return before;
}

/** The widest floating type of a device (default: the default device), for what is summed over a whole structure. */
export function widestType(name?: DeviceName): "f32" | "f64" {
  const { dtypes } = (name === undefined ? defaultDevice() : device(name)).backend;
  return dtypes.includes("f64") ? "f64" : "f32";
}

/** Live tensors and memory of a device (default: the default device). */
export function memory(name?: DeviceName): Readonly<MemoryCounters & { tensors: number }> {
  const context = name === undefined ? defaultDevice() : device(name);
  return { ...context.pool.counters, tensors: context.tensors };
}
