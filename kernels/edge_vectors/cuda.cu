// edgeVectors and edgePull; formulas in cpu.cc.
//
// Layout: rows of three numbers, edges sorted by centre (cpu.cc). Strategy: a thread per edge finds its centre and
// frame by bisection; a thread per atom adds the pulls of its edges in order. Pointers are not checked here: reading
// them back would stop the stream. Bound: memory, 10 elements an edge forward, 7 back. Not measured: has not run on
// hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

// The last segment that begins at or before e.
inline __device__ int64_t segmentOf(const int32_t* ptr, int64_t count, int64_t e) {
  int64_t low = 0, high = count;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    if (ptr[middle] <= e) low = middle;
    else high = middle;
  }
  return low;
}

template <class T> int edgeVectors(const Call& c) {
  const int64_t N = c.ints[0], B = c.ints[1], E = c.ints[2];
  const T *x = in<T>(c, 0), *cells = in<T>(c, 1), *shift = in<T>(c, 2);
  const int32_t *ptr = in<int32_t>(c, 3), *edgePtr = in<int32_t>(c, 4), *source = in<int32_t>(c, 5);
  T* to = out<T>(c, 8);
  return each(c, E, [=] __device__(int64_t e) {
    const int64_t i = segmentOf(ptr, N, e);
    const T* cell = cells ? cells + 9 * segmentOf(edgePtr, B, e) : nullptr;
    for (int b = 0; b < 3; ++b) {
      T d = x[3 * int64_t{source[e]} + b] - x[3 * i + b];
      if (cell)
        for (int a = 0; a < 3; ++a) d += shift[3 * e + a] * cell[3 * a + b];
      to[3 * e + b] = d;
    }
  });
}

template <class T> int edgePull(const Call& c) {
  const T* g = in<T>(c, 0);
  const int32_t *ptr = in<int32_t>(c, 1), *order = in<int32_t>(c, 3), *sourcePtr = in<int32_t>(c, 4);
  T* to = out<T>(c, 5);
  return each(c, c.ints[1], [=] __device__(int64_t i) {
    T near[3] = {0, 0, 0}, far[3] = {0, 0, 0};
    for (int64_t e = ptr[i]; e < ptr[i + 1]; ++e)
      for (int b = 0; b < 3; ++b) near[b] += g[3 * e + b];
    for (int64_t k = sourcePtr[i]; k < sourcePtr[i + 1]; ++k)
      for (int b = 0; b < 3; ++b) far[b] += g[3 * int64_t{order[k]} + b];
    for (int b = 0; b < 3; ++b) to[3 * i + b] = far[b] - near[b];
  });
}

} // namespace

CUDA_FAMILY(edge_vectors, CUDA_KERNEL(edgeVectors), CUDA_KERNEL(edgePull))

} // namespace cuda
} // namespace ag
