// segment_outer out[s,a,b] = sum x[e,a] y[e,b], segment_apply out[e,b] = sum x[e,a] z[s,a,b],
// segment_apply_t out[e,a] = sum y[e,b] z[s,a,b] + addend[e,a] (cpu.cc).
//
// Layout: row-major. Strategy: a thread per output element, sums in the order of the loop; the segment of a row is
// found by bisection of ptr. Pointers are not checked here: reading them back would stop the stream. Bound: E (A + B) +
// N A B elements. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

// The segment of row e, or -1 behind the last one.
inline __device__ int segmentOf(const int32_t* ptr, int count, int64_t e) {
  if (e >= ptr[count]) return -1;
  int low = 0, high = count;
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    if (ptr[middle] <= e) low = middle;
    else high = middle;
  }
  return low;
}

template <class T> int segment_outer(const Call& c) {
  const int64_t A = c.ints[1], B = c.ints[2], N = c.ints[3];
  const T *x = in<T>(c, 0), *y = in<T>(c, 1);
  const int32_t* ptr = in<int32_t>(c, 2);
  T* to = out<T>(c, 3);
  return each(c, N * A * B, [=] __device__(int64_t k) {
    const int64_t s = k / (A * B), a = k / B % A, b = k % B;
    T sum = 0;
    for (int64_t e = ptr[s]; e < ptr[s + 1]; ++e) sum = fma(x[e * A + a], y[e * B + b], sum);
    to[k] = sum;
  });
}

// out[e,f] = sum over d of x[e,d] z[s, f, d] + addend[e,f], where f and d step so far through the segment's A x B
// matrix.
template <class T>
int timesMatrix(const Call& c, int64_t D, int64_t F, int64_t dStep, int64_t fStep, const T* addend, T* to) {
  const int64_t E = c.ints[0];
  const int N = c.ints[2];
  const T *x = in<T>(c, 0), *z = in<T>(c, 1);
  const int32_t* ptr = in<int32_t>(c, 2);
  return each(c, E * F, [=] __device__(int64_t k) {
    const int64_t e = k / F, f = k % F;
    const int s = segmentOf(ptr, N, e);
    T sum = addend ? addend[k] : T(0);
    if (s >= 0)
      for (int64_t d = 0; d < D; ++d) sum = fma(x[e * D + d], z[s * D * F + f * fStep + d * dStep], sum);
    to[k] = sum;
  });
}

template <class T> int segment_apply(const Call& c) {
  const int64_t A = c.ints[1], B = c.ints[3];
  return timesMatrix<T>(c, A, B, B, 1, nullptr, out<T>(c, 3));
}

template <class T> int segment_apply_t(const Call& c) {
  const int64_t B = c.ints[1], A = c.ints[3];
  return timesMatrix<T>(c, B, A, 1, B, in<T>(c, 3), out<T>(c, 4));
}

} // namespace

CUDA_FAMILY(segment_product, CUDA_KERNEL(segment_outer), CUDA_KERNEL(segment_apply), CUDA_KERNEL(segment_apply_t))

} // namespace cuda
} // namespace ag
