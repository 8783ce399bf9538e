import { type Kernel, word } from "../../tensor/backend.js";
import { AtomgradError } from "../../tensor/error.js";
import { computeStage } from "./gpu.js";
import { GroupCache } from "./group-cache.js";

/** Bytes of `struct Parameters`: 72 integers and 32 reals. */
export const parameterBytes = 4 * (72 + word.maxReals);

/** Position of the integer whose bits name absent inputs. */
export const absentWord = 71;

/** Bind groups kept per layout before all are forgotten: a guard for programs whose shapes never repeat. */
const mostGroups = 1 << 14;

/** How the buffers of a kernel are bound. Kernels with the same pattern of reads and writes share one, groups included. */
export interface Layout {
  readonly bindings: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
  /** Number of storage buffers; the uniform follows them. */
  readonly buffers: number;
  readonly groups: GroupCache;
}

/** A kernel ready to be dispatched in one number type. */
export interface Body {
  readonly layout: Layout;
  readonly pipeline: GPUComputePipeline;
  /** Positions of the kernel's buffers in the order of the bindings. */
  readonly bound: readonly number[];
}

/** Compiles kernels on first use and keeps layouts, pipelines and bind groups. */
export class Pipelines {
  private readonly layouts = new Map<string, Layout>();
  private readonly modules = new Map<string, GPUShaderModule>();

  constructor(private readonly device: GPUDevice) {}

  /** Errors: DEVICE for a kernel without WGSL in this number type, or with more buffers than the device binds. */
  build(kernel: Kernel, type: "f32" | "i32"): Body {
    const { wgsl, name } = kernel;
    if (wgsl === undefined || !(wgsl.types ?? ["f32"]).includes(type))
      throw new AtomgradError(
        "DEVICE",
        `webgpu: "${name}" has no WGSL kernel for ${type}; run it on another device`,
      );
    const layout = this.layoutOf(kernel);
    const pipeline = this.device.createComputePipeline({
      label: `${name} ${type}`,
      layout: layout.pipeline,
      compute: {
        module: this.moduleOf(`alias T = ${type};\n${wgsl.code}`, name),
        entryPoint: wgsl.entry ?? name,
      },
    });
    return { layout, pipeline, bound: boundBuffers(kernel) };
  }

  /**
   * Makes the bind group of these buffers and keeps it under their slots, which stand in `words` at `at` by the numbers of
   * `bound`. Equal slots mean equal buffers until `forget`.
   */
  addGroup(
    { layout, bound }: Body,
    words: Int32Array,
    at: number,
    buffers: readonly GPUBuffer[],
    parameters: GPUBuffer,
  ): GPUBindGroup {
    if (layout.groups.size >= mostGroups) layout.groups.clear();
    const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    entries.push({ binding: layout.buffers, resource: { buffer: parameters, size: parameterBytes } });
    const group = this.device.createBindGroup({ layout: layout.bindings, entries });
    layout.groups.add(group, words, at, bound);
    return group;
  }

  /** Drops all bind groups: their buffers are being given back. */
  forget(): void {
    for (const layout of this.layouts.values()) layout.groups.clear();
  }

  private layoutOf(kernel: Kernel): Layout {
    const writes = boundBuffers(kernel).map(
      (k) => k >= kernel.inputs || kernel.inPlace?.includes(k) === true,
    );
    const buffers = writes.length;
    const key = writes.map((w) => (w ? "w" : "r")).join("");
    let layout = this.layouts.get(key);
    if (layout !== undefined) return layout;
    const most = this.device.limits.maxStorageBuffersPerShaderStage;
    if (buffers > most)
      throw new AtomgradError(
        "DEVICE",
        `webgpu: "${kernel.name}" needs ${buffers} storage buffers, the device binds ${most}`,
      );
    const entries: GPUBindGroupLayoutEntry[] = writes.map((w, binding) => ({
      binding,
      visibility: computeStage,
      buffer: { type: w ? "storage" : "read-only-storage" },
    }));
    entries.push({
      binding: buffers,
      visibility: computeStage,
      buffer: { type: "uniform", hasDynamicOffset: true },
    });
    const bindings = this.device.createBindGroupLayout({ label: key, entries });
    const pipeline = this.device.createPipelineLayout({ label: key, bindGroupLayouts: [bindings] });
    layout = { bindings, pipeline, buffers, groups: new GroupCache(buffers) };
    this.layouts.set(key, layout);
    return layout;
  }

  private moduleOf(code: string, label: string): GPUShaderModule {
    let module = this.modules.get(code);
    if (module === undefined) {
      module = this.device.createShaderModule({ label, code });
      this.modules.set(code, module);
    }
    return module;
  }
}

function boundBuffers(kernel: Kernel): readonly number[] {
  return kernel.bound ?? Array.from({ length: kernel.inputs + kernel.outputs }, (_, k) => k);
}
