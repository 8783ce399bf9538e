// Environment rows of DeePMD edges and their first and second derivatives; formulas in cpu.cc.
//
// Layout: one edge after the other, rows of 4 numbers and their derivatives (cpu.cc). Strategy: a thread per edge.
// Bound: memory, 12 to 18 numbers an edge, for 60 to 200 flops; in f64 on many devices those. Not measured: has not run
// on hardware.
#include "../../native/cuda/call.cuh"
#include "edge.h"

namespace ag {
namespace cuda {
namespace {

template <class T> int envMatrix(const Call& c) { return each(c, c.ints[0], EnvMatrix<T>(c)); }
template <class T> int envMatrixVjp(const Call& c) { return each(c, c.ints[0], EnvMatrixVjp<T>(c)); }
template <class T> int envMatrixJvp(const Call& c) { return each(c, c.ints[0], EnvMatrixJvp<T>(c)); }
template <class T> int envMatrixCurvature(const Call& c) { return each(c, c.ints[0], EnvMatrixCurvature<T>(c)); }

} // namespace

CUDA_FAMILY(env_matrix, CUDA_KERNEL(envMatrix), CUDA_KERNEL(envMatrixVjp), CUDA_KERNEL(envMatrixJvp),
            CUDA_KERNEL(envMatrixCurvature))

} // namespace cuda
} // namespace ag
