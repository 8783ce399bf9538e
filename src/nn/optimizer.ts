import { type AdamSettings, adamUpdate, sgdUpdate } from "../../kernels/optimizer/op.js";
import { AtomgradError } from "../tensor/error.js";
import { keep, scope } from "../tensor/scope.js";
import { type Tensor, zeros } from "../tensor/tensor.js";

/** Parameters by name, in a fixed order. */
export type NamedParameters = ReadonlyMap<string, Tensor>;

const updatesPrefix = "updates.";

interface Step {
  readonly rate: number;
  readonly gradScale: number;
  /** Of this update of the parameter, from 1. */
  readonly number: number;
}

/** Keeps state tensors beside parameters and updates them in place. */
abstract class Optimizer {
  /** Calls of `step`. */
  private count = 0;
  /** Updates of each parameter by name; as in PyTorch, a step without a gradient is none. */
  private readonly updates = new Map<string, number>();
  protected readonly parameters: readonly [string, Tensor][];
  private readonly state = new Map<string, Tensor>();

  constructor(parameters: NamedParameters, slots: readonly string[]) {
    this.parameters = [...parameters];
    for (const [name, t] of this.parameters)
      for (const slot of slots)
        this.state.set(`${slot}.${name}`, keep(zeros(t.shape, { dtype: t.dtype, device: t.device.name })));
  }

  get steps(): number {
    return this.count;
  }

  /**
   * One update. `grads` stand in the order of the parameters; an absent one leaves its parameter as it is.
   *
   * @param rate learning rate; @param gradScale factor on all gradients (see `globalNorm`)
   */
  step(grads: readonly (Tensor | undefined)[], rate: number, gradScale = 1): void {
    if (grads.length !== this.parameters.length)
      throw new AtomgradError(
        "SHAPE",
        `optimizer: ${grads.length} gradients for ${this.parameters.length} parameters`,
      );
    this.count++;
    scope(() =>
      this.parameters.forEach(([name, parameter], k) => {
        const grad = grads[k];
        if (grad === undefined) return;
        const number = (this.updates.get(name) ?? 0) + 1;
        this.updates.set(name, number);
        this.update(name, parameter, grad, { rate, gradScale, number });
      }),
    );
  }

  /**
   * The state as host arrays, exact: one per parameter and slot, and `updates.<name>` [1] for a parameter that was updated in
   * some of the steps only.
   */
  exportState(): Map<string, Float64Array> {
    const out = new Map([...this.state].map(([name, t]) => [name, Float64Array.from(t.dataSync())]));
    for (const [name] of this.parameters) {
      const number = this.updates.get(name) ?? 0;
      if (number !== this.count) out.set(updatesPrefix + name, Float64Array.of(number));
    }
    return out;
  }

  /** Sets the state after `steps` calls of `step`: all, or after an error none. Errors: FORMAT for missing or misfit arrays. */
  importState(state: ReadonlyMap<string, Float64Array>, steps: number): void {
    for (const [name, t] of this.state) {
      const data = state.get(name);
      if (data?.length !== t.size)
        throw new AtomgradError(
          "FORMAT",
          `optimizer: state ${name} has ${data?.length ?? 0} numbers, the model needs ${t.size}`,
        );
    }
    for (const [name, t] of this.state) t.assign(state.get(name)!);
    this.count = steps;
    for (const [name] of this.parameters)
      this.updates.set(name, state.get(updatesPrefix + name)?.[0] ?? steps);
  }

  dispose(): void {
    for (const t of this.state.values()) t.dispose();
  }

  protected slot(slot: string, name: string): Tensor {
    return this.state.get(`${slot}.${name}`)!;
  }

  protected abstract update(name: string, parameter: Tensor, grad: Tensor, step: Step): void;
}

export interface AdamOptions extends Partial<Pick<AdamSettings, "beta1" | "beta2" | "eps" | "weightDecay">> {
  /** Add `eps` to the root of the uncorrected second moment, as TensorFlow 1's Adam does ("epsilon hat"); default false. */
  readonly epsilonHat?: boolean;
}

/** torch.optim.Adam (Kingma and Ba 2015): weight decay is added to the gradient. */
export class Adam extends Optimizer {
  constructor(
    parameters: NamedParameters,
    private readonly options: AdamOptions = {},
  ) {
    super(parameters, ["m", "v"]);
  }

  protected get decoupled(): boolean {
    return false;
  }

  protected update(name: string, parameter: Tensor, grad: Tensor, { rate, gradScale, number }: Step): void {
    const {
      beta1 = 0.9,
      beta2 = 0.999,
      eps: given = 1e-8,
      weightDecay = 0,
      epsilonHat = false,
    } = this.options;
    const eps = epsilonHat ? given / Math.sqrt(1 - beta2 ** number) : given;
    const settings = {
      rate,
      beta1,
      beta2,
      eps,
      weightDecay,
      decoupled: this.decoupled,
      step: number,
      gradScale,
    };
    adamUpdate(parameter, grad, this.slot("m", name), this.slot("v", name), settings);
  }
}

/** torch.optim.AdamW (Loshchilov and Hutter 2019): weight decay acts on the parameters. */
export class AdamW extends Adam {
  protected override get decoupled(): boolean {
    return true;
  }
}

export interface SgdOptions {
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  weightDecay?: number;
}

/** torch.optim.SGD. */
export class Sgd extends Optimizer {
  constructor(
    parameters: NamedParameters,
    private readonly options: SgdOptions = {},
  ) {
    super(parameters, ["velocity"]);
  }

  protected update(name: string, parameter: Tensor, grad: Tensor, { rate, gradScale, number }: Step): void {
    const { momentum = 0, dampening = 0, nesterov = false, weightDecay = 0 } = this.options;
    sgdUpdate(parameter, grad, this.slot("velocity", name), {
      rate,
      momentum,
      dampening,
      nesterov,
      weightDecay,
      first: number === 1,
      gradScale,
    });
  }
}
