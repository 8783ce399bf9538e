import { AtomgradError } from "../../tensor/error.js";

/** Bits of the WebGPU specification, written here because Node has no global GPUBufferUsage, GPUMapMode, GPUShaderStage. */
export const usage = {
  mapRead: 0x1,
  copySource: 0x4,
  copyTarget: 0x8,
  uniform: 0x40,
  storage: 0x80,
} as const;
export const mapForReading = 0x1;
export const computeStage = 0x4;

/** What must stay reachable while the device is used: Dawn crashes when the adapter or the instance is collected first. */
export interface Gpu {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
}

const live: unique symbol = Symbol.for("atomgrad.webgpu");
const root = globalThis as { [live]?: Gpu[] };

/**
 * The GPU of this browser or, in Node, of the `webgpu` package (Dawn), with the adapter's own limits for buffer sizes.
 * Errors: DEVICE, with what to install.
 */
export async function acquireGpu(): Promise<Gpu> {
  const { navigator } = globalThis as { navigator?: { gpu?: GPU } };
  const gpu = navigator?.gpu ?? (await dawn());
  const adapter = await gpu.requestAdapter({ powerPreference: "high-performance" });
  if (adapter === null) throw new AtomgradError("DEVICE", `webgpu: no adapter found; ${driverRemedy()}`);
  const { maxBufferSize, maxStorageBufferBindingSize } = adapter.limits;
  const device = await adapter.requestDevice({
    requiredLimits: { maxBufferSize, maxStorageBufferBindingSize },
  });
  const found = { gpu, adapter, device };
  (root[live] ??= []).push(found);
  return found;
}

/** The adapter in words, e.g. "llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)". */
export function describeAdapter({ adapter }: Gpu): string {
  const { description, device, vendor, architecture } = adapter.info;
  return (
    [description, device, `${vendor} ${architecture}`.trim()].find((text) => text !== "") ?? "unnamed adapter"
  );
}

function inNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}

/** The GPU of the `webgpu` package. Its name stands in a variable so that bundlers for browsers leave it out. */
async function dawn(): Promise<GPU> {
  if (!inNode())
    throw new AtomgradError(
      "DEVICE",
      "webgpu: this browser has no navigator.gpu; use one with WebGPU, and serve the page from https or localhost",
    );
  const name = "webgpu";
  try {
    const { create } = (await import(/* @vite-ignore */ name)) as { create: (options: string[]) => GPU };
    return create([]);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new AtomgradError(
      "DEVICE",
      `webgpu: the npm package "webgpu" does not load (${reason}); run \`npm install webgpu\` (prebuilt for Linux, macOS and Windows on x64 and arm64)`,
      { cause },
    );
  }
}

function driverRemedy(): string {
  if (!inNode()) return "this browser finds no GPU it may use (see its GPU page, e.g. chrome://gpu)";
  if (process.platform !== "linux") return "install the graphics driver of this machine";
  return (
    "install a Vulkan driver of the GPU, or Mesa 24 or newer for a software adapter " +
    "(Debian 12: apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1)"
  );
}
