// Neighbours among candidates: those of a list with a larger cutoff that are within the cutoff now, in the same order;
// to the bit as on the CPU.
//
// Layout as in cpu.cc. Strategy: (verletMoved) a block for every 4,096 atoms, then one joins their squares.
// (verletWithin) a thread per centre, so that what it keeps stays in order. (verletFill) a thread per pair, which finds
// its centre by bisection and writes beside its neighbours. Bound: the bytes of the result, 52 a pair. Not measured:
// has not run on hardware.
#include "../neighbours/frames.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kAtomsAtATime = 4096;

// Not a number where one is not.
struct Most {
  __device__ double operator()(double a, double b) const { return a != a ? a : b > a || b != b ? b : a; }
};

int verletPack(const Call& c) {
  const int64_t C = c.ints[0], places = c.ints[5];
  const int bits = c.ints[1];
  const int32_t x = c.ints[2], y = c.ints[3], z = c.ints[4];
  const int32_t *neighbour = in<int32_t>(c, 0), *shift = in<int32_t>(c, 1);
  const double* cell = in<double>(c, 2);
  int32_t *packed = out<int32_t>(c, 3), *offset = out<int32_t>(c, 4);
  double* moved = out<double>(c, 5);
  const int64_t rows = 2 * int64_t{y} + 1, columns = 2 * int64_t{z} + 1;
  const int failed = each(c, places, [=] __device__(int64_t k) {
    const int64_t s[3] = {k / (rows * columns) - x, k / columns % rows - y, k % columns - z};
    const double t[3] = {static_cast<double>(s[0]), static_cast<double>(s[1]), static_cast<double>(s[2])};
    for (int b = 0; b < 3; ++b) offset[4 * k + b] = static_cast<int32_t>(s[b]), moved[4 * k + b] = times(t, cell, b);
    offset[4 * k + 3] = 0, moved[4 * k + 3] = 0;
  });
  if (failed != 0) return failed;
  return each(c, C, [=] __device__(int64_t k) {
    const int64_t place = ((shift[3 * k] + x) * rows + shift[3 * k + 1] + y) * columns + shift[3 * k + 2] + z;
    packed[k] = static_cast<int32_t>(static_cast<uint32_t>(place << bits) | static_cast<uint32_t>(neighbour[k]));
  });
}

int verletMoved(const Call& c) {
  const int64_t N = c.ints[0], parts = (N + kAtomsAtATime - 1) / kAtomsAtATime;
  const double *positions = in<double>(c, 0), *start = in<double>(c, 1);
  double *given = out<double>(c, 2), *far = out<double>(c, 3), *part = static_cast<double*>(c.work);
  const int failed = eachBlock(c, parts, [=] __device__(int64_t k) {
    const int64_t end = (k + 1) * kAtomsAtATime < N ? (k + 1) * kAtomsAtATime : N;
    double most = 0;
    for (int64_t i = k * kAtomsAtATime + threadIdx.x; i < end; i += kThreads) {
      double square = 0;
      for (int b = 0; b < 3; ++b) {
        const double at = positions[3 * i + b], step = at - start[3 * i + b];
        given[4 * i + b] = at, square += product(step, step);
      }
      given[4 * i + 3] = 0;
      most = Most()(most, square);
    }
    most = joinBlock(most, Most());
    if (threadIdx.x == 0) part[k] = most;
  });
  if (failed != 0) return failed;
  return eachBlock(c, 1, [=] __device__(int64_t) {
    double most = 0;
    for (int64_t k = threadIdx.x; k < parts; k += kThreads) most = Most()(most, part[k]);
    most = joinBlock(most, Most());
    if (threadIdx.x == 0) *far = most;
  });
}

// What candidates are looked up in (kernels/verlet/op.ts says what a word is).
struct Places {
  const double *given, *moved;
  int bits;

  __device__ int64_t atom(int32_t word) const { return static_cast<uint32_t>(word) & ((uint64_t{1} << bits) - 1); }
  __device__ int64_t place(int32_t word) const {
    return static_cast<int64_t>(uint64_t{static_cast<uint32_t>(word)} >> bits);
  }
  // r_j - r_i + S . cell and its length.
  __device__ double vector(int64_t i, int32_t word, double* v) const {
    double square = 0;
    for (int b = 0; b < 3; ++b) {
      v[b] = given[4 * atom(word) + b] - given[4 * i + b] + moved[4 * place(word) + b];
      square += product(v[b], v[b]);
    }
    return sqrt(square);
  }
};

// Where the kept candidates of centre i begin.
__device__ int64_t firstKept(const int32_t* ptr, int64_t i) { return ptr[i] + 8 * (i / 32); }

int verletWithin(const Call& c) {
  const int64_t N = c.ints[1];
  const int32_t *packed = in<int32_t>(c, 0), *ptr = in<int32_t>(c, 1);
  const Places places{in<double>(c, 2), in<double>(c, 3), c.ints[4]};
  const bool inclusive = c.ints[5] != 0;
  const double rcut = c.reals[0];
  int32_t *count = out<int32_t>(c, 4), *kept = out<int32_t>(c, 5);
  return each(c, N, [=] __device__(int64_t i) {
    int32_t n = 0;
    for (int64_t e = ptr[i]; e < ptr[i + 1]; ++e) {
      double v[3];
      const double d = places.vector(i, packed[e], v);
      if (d < rcut || (inclusive && d == rcut)) kept[firstKept(ptr, i) + n++] = packed[e];
    }
    count[i] = n;
  });
}

int verletFill(const Call& c) {
  const int64_t N = c.ints[1], E = c.ints[3];
  const int32_t *kept = in<int32_t>(c, 0), *ptr = in<int32_t>(c, 1), *offset = in<int32_t>(c, 4);
  const int32_t* rows = in<int32_t>(c, 5);
  const Places places{in<double>(c, 2), in<double>(c, 3), c.ints[4]};
  int32_t *neighbour = out<int32_t>(c, 6), *centre = out<int32_t>(c, 7), *shift = out<int32_t>(c, 8);
  double *vector = out<double>(c, 9), *distance = out<double>(c, 10);
  return each(c, E, [=] __device__(int64_t e) {
    int64_t i = 0, end = N; // rows[i] <= e < rows[end]
    while (end - i > 1) {
      const int64_t middle = (i + end) / 2;
      if (rows[middle] <= e) i = middle;
      else end = middle;
    }
    const int32_t word = kept[firstKept(ptr, i) + e - rows[i]];
    distance[e] = places.vector(i, word, vector + 3 * e);
    neighbour[e] = static_cast<int32_t>(places.atom(word)), centre[e] = static_cast<int32_t>(i);
    for (int b = 0; b < 3; ++b) shift[3 * e + b] = offset[4 * places.place(word) + b];
  });
}

} // namespace

CUDA_FAMILY(verlet, CUDA_KERNEL_F64(verletPack), CUDA_KERNEL_F64(verletMoved), CUDA_KERNEL_F64(verletWithin),
            CUDA_KERNEL_F64(verletFill))

} // namespace cuda
} // namespace ag
