import type { Kernel } from "../tensor/backend.js";
import { type DType, typeCode } from "../tensor/dtype.js";

/** The kernels of a native addon by name: position in its list, and the number types each is compiled for as bits. */
export class AddonKernels {
  private readonly bodies: ReadonlyMap<string, { readonly id: number; readonly types: number }>;

  /** @param listed what the addon's `kernels()` gives */
  constructor(listed: readonly (readonly [name: string, types: number])[]) {
    this.bodies = new Map(listed.map(([name, types], id) => [name, { id, types }]));
  }

  supports(kernel: Kernel, dtype: DType): boolean {
    return ((this.bodies.get(kernel.name)?.types ?? 0) & (1 << typeCode[dtype])) !== 0;
  }

  /** The kernel's position in the addon's list; undefined where it has none. */
  idOf(kernel: Kernel): number | undefined {
    return this.bodies.get(kernel.name)?.id;
  }
}
