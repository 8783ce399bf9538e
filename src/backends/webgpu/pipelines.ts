import type { Kernel } from "../../tensor/backend.js";
import { AtomgradError } from "../../tensor/error.js";
import { parameterBytes } from "./description.js";
import { computeStage } from "./gpu.js";
import { WordMap } from "./word-map.js";

/** Bind groups kept per layout before all are forgotten: a guard for programs whose buffers never repeat. */
const mostGroups = 1 << 14;

/** Where a dispatch finds its parameters: at an offset that it names, or where its bind group says. */
export type Place = "offset" | "group";

/** How the buffers of a kernel are bound. Kernels with the same pattern of reads and writes share one, groups included. */
interface Layout {
  readonly bindings: GPUBindGroupLayout;
  readonly pipeline: GPUPipelineLayout;
  /** Number of storage buffers; the uniform follows them. */
  readonly buffers: number;
  /** Bind groups for parameters at an offset, by the slots of their buffers. */
  readonly groups: WordMap<GPUBindGroup>;
}

/** A kernel ready to be dispatched in one number type. */
export interface Program {
  readonly layout: Layout;
  readonly pipeline: GPUComputePipeline;
}

/** Compiles kernels and keeps layouts and bind groups. */
export class Pipelines {
  private readonly layouts = new Map<string, Layout>();
  private readonly modules = new Map<string, GPUShaderModule>();

  constructor(private readonly device: GPUDevice) {}

  /** Errors: DEVICE for a kernel without WGSL in this number type, or with more buffers than the device binds. */
  compile(kernel: Kernel, type: "f32" | "i32", place: Place): Program {
    const { wgsl, name } = kernel;
    if (wgsl === undefined || !(wgsl.types ?? ["f32"]).includes(type))
      throw new AtomgradError(
        "DEVICE",
        `webgpu: "${name}" has no WGSL kernel for ${type}; run it on another device`,
      );
    const layout = this.layoutOf(kernel, place);
    const pipeline = this.device.createComputePipeline({
      label: `${name} ${type}`,
      layout: layout.pipeline,
      compute: {
        module: this.moduleOf(`alias T = ${type};\n${wgsl.code}`, name),
        entryPoint: wgsl.entry ?? name,
      },
    });
    return { layout, pipeline };
  }

  /**
   * The bind group of the buffers whose slots `slots` begins with, for parameters at offsets into `parameters`. Equal slots mean
   * equal buffers until `forget`.
   */
  groupOf(
    program: Program,
    slots: Int32Array,
    buffers: () => readonly GPUBuffer[],
    parameters: GPUBuffer,
  ): GPUBindGroup {
    const { groups } = program.layout;
    let group = groups.get(slots);
    if (group === undefined) {
      if (groups.size >= mostGroups) groups.clear();
      group = this.createGroup(program, buffers(), { buffer: parameters, size: parameterBytes });
      groups.add(group, slots);
    }
    return group;
  }

  createGroup(
    { layout }: Program,
    buffers: readonly GPUBuffer[],
    parameters: GPUBufferBinding,
  ): GPUBindGroup {
    const entries: GPUBindGroupEntry[] = buffers.map((buffer, binding) => ({
      binding,
      resource: { buffer },
    }));
    entries.push({ binding: layout.buffers, resource: parameters });
    return this.device.createBindGroup({ layout: layout.bindings, entries });
  }

  /** Drops all bind groups: their buffers are being given back. */
  forget(): void {
    for (const layout of this.layouts.values()) layout.groups.clear();
  }

  private layoutOf(kernel: Kernel, place: Place): Layout {
    const writes = boundBuffers(kernel).map(
      (k) => k >= kernel.inputs || kernel.inPlace?.includes(k) === true,
    );
    const buffers = writes.length;
    const key = `${writes.map((w) => (w ? "w" : "r")).join("")} ${place}`;
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
      buffer: { type: "uniform", hasDynamicOffset: place === "offset" },
    });
    const bindings = this.device.createBindGroupLayout({ label: key, entries });
    const pipeline = this.device.createPipelineLayout({ label: key, bindGroupLayouts: [bindings] });
    layout = { bindings, pipeline, buffers, groups: new WordMap(buffers) };
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

/** Positions of the buffers of a kernel in the order of its bindings. */
export function boundBuffers(kernel: Kernel): readonly number[] {
  return kernel.bound ?? Array.from({ length: kernel.inputs + kernel.outputs }, (_, k) => k);
}
