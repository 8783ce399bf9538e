import type { ReferenceKernel } from "../../src/tensor/backend.js";

export const adamReference: ReferenceKernel = ({ ints, reals, buffers: [param, grad, m, v] }) => {
  const { rate, beta1, beta2, eps, weightDecay, correction1, correction2, gradScale } = reals;
  for (let n = 0; n < ints.N; n++) {
    let p = param![n];
    let g = grad![n] * gradScale;
    if (ints.decoupled !== 0) p -= rate * weightDecay * p;
    else g += weightDecay * p;
    const first = beta1 * m![n] + (1 - beta1) * g;
    const second = beta2 * v![n] + (1 - beta2) * g * g;
    m![n] = first;
    v![n] = second;
    param![n] = p - (rate / correction1) * (first / (Math.sqrt(second) / Math.sqrt(correction2) + eps));
  }
};

export const sgdReference: ReferenceKernel = ({ ints, reals, buffers: [param, grad, velocity] }) => {
  const { rate, momentum, dampening, weightDecay, gradScale } = reals;
  for (let n = 0; n < ints.N; n++) {
    const g = grad![n] * gradScale + weightDecay * param![n];
    const u = ints.first !== 0 ? g : momentum * velocity![n] + (1 - dampening) * g;
    velocity![n] = u;
    const direction = momentum === 0 ? g : ints.nesterov !== 0 ? g + momentum * u : u;
    param![n] -= rate * direction;
  }
};
