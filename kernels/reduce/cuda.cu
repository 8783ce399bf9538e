// sum, max: out[a,b] over r of x[a,r,b]; expand: out[a,r,b] = x[a,b].
//
// Layout: the reduced run R stands between outer A and inner B; B = 1 is a reduction of rows. Strategy: runs longer
// than 2,048 are cut into such chunks whose partial results stand in the workspace. B = 1: a block per chunk, threads
// stride over it and join in a fixed tree. B > 1: a thread per (a, chunk, b), rows in order, neighbouring threads on
// neighbouring b. Partial results are joined by a block per output in the same fixed way. No atomics: the order depends
// on the shape alone. Bound: A (R + 1) B elements of memory. Not measured: has not run on hardware.
#include "../../native/cuda/call.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kChunk = 2048;

struct Add {
  template <class T> __device__ T operator()(T a, T b) const { return a + b; }
  template <class T> __device__ static T start() { return T(0); }
};

struct Max {
  template <class T> __device__ T operator()(T a, T b) const { return a > b ? a : b; }
  template <class T> __device__ static T start() { return -T(INFINITY); }
};

// out[k] over the items k * stride .. of `length` elements that stand `step` apart: a block each.
template <class T, class F> __device__ void joinRun(const T* x, int64_t length, int64_t step, T* out) {
  T value = F::template start<T>();
  for (int64_t r = threadIdx.x; r < length; r += kThreads) value = F()(value, x[r * step]);
  value = joinBlock(value, F());
  if (threadIdx.x == 0) *out = value;
}

template <class T, class F> int reduce(const Call& c) {
  const int64_t A = c.ints[0], R = c.ints[1], B = c.ints[2];
  const int64_t chunks = R > kChunk ? (R + kChunk - 1) / kChunk : 1;
  const T* x = in<T>(c, 0);
  T* result = out<T>(c, 1);
  T* part = chunks > 1 ? static_cast<T*>(c.work) : result;
  int status;
  if (B == 1) {
    status = eachBlock(c, A * chunks, [=] __device__(int64_t k) {
      const int64_t first = k % chunks * kChunk;
      const int64_t rows = chunks > 1 && R - first > kChunk ? kChunk : R - first;
      joinRun<T, F>(x + k / chunks * R + first, rows, 1, part + k);
    });
  } else {
    status = each(c, A * chunks * B, [=] __device__(int64_t k) {
      const int64_t b = k % B, chunk = k / B % chunks, a = k / B / chunks;
      const int64_t first = chunk * kChunk;
      const int64_t rows = chunks > 1 && R - first > kChunk ? kChunk : R - first;
      const T* from = x + (a * R + first) * B + b;
      T value = F::template start<T>();
      for (int64_t r = 0; r < rows; ++r) value = F()(value, from[r * B]);
      part[k] = value;
    });
  }
  if (status != 0 || chunks == 1) return status;
  return eachBlock(
      c, A * B, [=] __device__(int64_t k) { joinRun<T, F>(part + k / B * chunks * B + k % B, chunks, B, result + k); });
}

template <class T> int sum(const Call& c) { return reduce<T, Add>(c); }
template <class T> int max(const Call& c) { return reduce<T, Max>(c); }

template <class T> int expand(const Call& c) {
  const int64_t A = c.ints[0], B = c.ints[1], R = c.ints[2];
  const T* x = in<T>(c, 0);
  T* to = out<T>(c, 1);
  return each(c, A * R * B, [=] __device__(int64_t k) { to[k] = x[k / B / R * B + k % B]; });
}

} // namespace

CUDA_FAMILY(reduce, CUDA_KERNEL(sum), CUDA_KERNEL(max), CUDA_KERNEL(expand))

} // namespace cuda
} // namespace ag
