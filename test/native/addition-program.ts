// Bundled into a checkout with an addon of its own by builds.test.ts: adds two tensors with every instruction set of this machine.
import { add } from "../../kernels/elementwise/ops.generated.js";
import { isas, openCpu, setIsa } from "../../src/backends/cpu/cpu.js";
import { tensor } from "../../src/tensor/tensor.js";

openCpu();
const sums = isas().map((isa) => {
  setIsa(isa);
  const sum = add(tensor(Float64Array.of(1, 2, 3)), tensor(Float64Array.of(10, 20, 30)));
  return [...(sum.dataSync() as Float64Array)];
});
process.stdout.write(JSON.stringify({ isas: isas(), sums }));
