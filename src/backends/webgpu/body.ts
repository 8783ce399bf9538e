import type { Kernel } from "../../tensor/backend.js";
import type { Workgroups } from "./commands.js";
import type { Description } from "./description.js";
import { boundBuffers, type Pipelines, type Place, type Program } from "./pipelines.js";
import { WordMap } from "./word-map.js";

/**
 * As often a launch is recorded with its parameters at an offset before it gets a bind group that names them: making the group
 * costs what that spares in 32 launches, and launches whose shapes change each time never pay it.
 */
export const often = 32;

/** Launches kept per kernel before all are forgotten: a guard for programs whose shapes never repeat. */
const mostLaunches = 1 << 12;

/** A launch that was met before, and how it is recorded from now on. */
export interface Launch {
  readonly workgroups: Workgroups;
  place: Place;
  pipeline: GPUComputePipeline;
  group: GPUBindGroup;
  /** How often it was recorded with an offset. */
  uses: number;
}

/** A kernel in one number type, and the launches of it. */
export class Body {
  /** Positions of the kernel's buffers in the order of the bindings. */
  readonly bound: readonly number[];
  private readonly atOffset: Program;
  private inGroup: Program | undefined;
  /** By the length of their descriptions. */
  private readonly launches: (WordMap<Launch> | undefined)[] = [];

  /** Errors: DEVICE for a kernel without WGSL in this number type, or with more buffers than the device binds. */
  constructor(
    readonly kernel: Kernel,
    private readonly type: "f32" | "i32",
    private readonly pipelines: Pipelines,
  ) {
    this.bound = boundBuffers(kernel);
    this.atOffset = pipelines.compile(kernel, type, "offset");
  }

  /** The launch of this description, if it was met before. */
  find({ words, length }: Description): Launch | undefined {
    return this.launches[length]?.get(words);
  }

  /** Keeps a launch of buffers, whose parameters lie in `parameters`. */
  add(
    { words, length }: Description,
    workgroups: Workgroups,
    buffers: () => readonly GPUBuffer[],
    parameters: GPUBuffer,
  ): Launch {
    const launches = (this.launches[length] ??= new WordMap(length));
    if (launches.size >= mostLaunches) launches.clear();
    const group = this.pipelines.groupOf(this.atOffset, words, buffers, parameters);
    const launch: Launch = { workgroups, place: "offset", pipeline: this.atOffset.pipeline, group, uses: 0 };
    launches.add(launch, words);
    return launch;
  }

  /** From now on the launch has these parameters in its bind group. */
  settle(launch: Launch, buffers: readonly GPUBuffer[], parameters: GPUBufferBinding): void {
    this.inGroup ??= this.pipelines.compile(this.kernel, this.type, "group");
    launch.pipeline = this.inGroup.pipeline;
    launch.group = this.pipelines.createGroup(this.inGroup, buffers, parameters);
    launch.place = "group";
  }

  /** Forgets all launches: their buffers are being given back. */
  forget(): void {
    for (const launches of this.launches) launches?.clear();
  }
}
