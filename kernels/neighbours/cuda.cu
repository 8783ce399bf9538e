// Neighbours by cell lists: all j, S with |r_j + S . cell - r_i| < rcut, sorted by i, j and S; the same pairs, in the
// same order, as on the CPU.
//
// Layout as in cpu.cc. Strategy: (neighbourExtent) a block for every 4,096 atoms of a frame alone, or for each of
// several frames. (neighbourGrid) atoms sorted by cell in a radix sort without atomics (sort.cuh); where a cell begins
// is found by bisection. (neighbourFind) a thread per centre tests the atoms of the grid cells within reach; neighbours
// in memory are neighbours in space and read the same candidates. Wrapped positions decide but for pairs within
// rounding of the cutoff, which the positions as given decide in arithmetic rounded as the CPU's. (neighbourFill) the
// same again, since the store is not used here: a thread per centre puts the numbers of its pairs into the result's
// last two arrays; a thread per pair finds its place among those of its centre by counting the smaller ones; a thread
// per pair writes vectors and distances there. Bound: the bytes of the result, 52 a pair. Pitfalls: counting compares
// every two neighbours of a centre, which is more than all else beyond a few hundred neighbours. Not measured: has not
// run on hardware.
#include "sort.cuh"
#include "visit.cuh"

namespace ag {
namespace cuda {
namespace {

constexpr int64_t kAtomsAtATime = 4096;

struct Least {
  __device__ double operator()(double a, double b) const { return b < a ? b : a; }
};
// Not a number where one is not.
struct Most {
  __device__ double operator()(double a, double b) const { return a != a ? a : b > a || b != b ? b : a; }
};

// Extremes of some atoms by one block: fractions, smallest and largest; largest coordinate; offsets.
struct Extremes {
  double value[10];

  __device__ Extremes() {
    for (int a = 0; a < 10; ++a) value[a] = a < 3 ? INFINITY : a < 6 ? -INFINITY : 0;
  }
  __device__ void join(const double* other) {
    for (int a = 0; a < 10; ++a) value[a] = a < 3 ? Least()(value[a], other[a]) : Most()(value[a], other[a]);
  }
  __device__ void add(const double* position, const Frame& f) {
    const Placed p(position, f);
    double here[10] = {p.fraction[0], p.fraction[1], p.fraction[2], p.fraction[0], p.fraction[1], p.fraction[2], 0};
    for (int a = 0; a < 3; ++a) {
      // a coordinate that is not finite gives no number
      here[6] = Most()(here[6], fabs(position[a]) + 0 * position[a]);
      here[7 + a] = fabs(p.offset[a]);
    }
    // fractions of such an atom are no numbers either: they do not count
    for (int a = 3; a < 6; ++a) here[a] = here[a] == here[a] ? here[a] : -INFINITY;
    for (int a = 7; a < 10; ++a) here[a] = here[a] == here[a] ? here[a] : 0;
    join(here);
  }
  // By all threads of a block.
  __device__ void put(double* to) const {
    for (int a = 0; a < 10; ++a) {
      const double joined = a < 3 ? joinBlock(value[a], Least()) : joinBlock(value[a], Most());
      if (threadIdx.x == 0) to[a] = joined;
    }
  }
};

int neighbourExtent(const Call& c) {
  const int64_t N = c.ints[0];
  const double* positions = in<double>(c, 0);
  const Frames frames{in<int32_t>(c, 1), in<double>(c, 2), in<int32_t>(c, 3), c.ints[1]};
  double *to = out<double>(c, 4), *part = static_cast<double*>(c.work);
  const bool shared = frames.F == 1 && N > kAtomsAtATime;
  const int64_t parts = shared ? (N + kAtomsAtATime - 1) / kAtomsAtATime : frames.F;
  const int failed = eachBlock(c, parts, [=] __device__(int64_t k) {
    const int64_t first = shared ? k * kAtomsAtATime : frames.ptr[k];
    const int64_t end = !shared ? frames.ptr[k + 1] : N - first < kAtomsAtATime ? N : first + kAtomsAtATime;
    const Frame f = frames.frame(shared ? 0 : static_cast<int>(k));
    Extremes all;
    for (int64_t i = first + threadIdx.x; i < end; i += kThreads) all.add(positions + 3 * i, f);
    all.put((shared ? part : to) + 10 * k);
  });
  if (failed != 0 || !shared) return failed;
  return eachBlock(c, 1, [=] __device__(int64_t) {
    Extremes all;
    for (int64_t k = threadIdx.x; k < parts; k += kThreads) all.join(part + 10 * k);
    all.put(to);
  });
}

int neighbourGrid(const Call& c) {
  const int64_t N = c.ints[0], C = c.ints[2];
  const double* positions = in<double>(c, 0);
  const Frames frames{in<int32_t>(c, 1), in<double>(c, 2), in<int32_t>(c, 3), c.ints[1]};
  double *place = out<double>(c, 4), *given = out<double>(c, 5);
  int32_t *info = out<int32_t>(c, 6), *order = out<int32_t>(c, 7), *cellPtr = out<int32_t>(c, 8);
  // Frames rise in the order of the atoms, so that a number that rises with frame and cell sorts all of them at once:
  // frame f takes those from firstCell + f on. What is written last serves as scratch.
  const int passes = C == 0 || N < 2 ? 0 : passesFor(C + frames.F);
  Pairs from{static_cast<int32_t*>(c.work), order}, to{info, info + N};
  if (passes % 2 == 1) from.values = to.values, to.values = order;
  int failed = each(c, N, [=] __device__(int64_t i) {
    const int f = frames.ofAtom(i);
    const Frame frame = frames.frame(f);
    from.keys[i] = frame.firstCell() + f + (frame.hasGrid() ? Placed(positions + 3 * i, frame).cell(frame) : 0);
    from.values[i] = static_cast<int32_t>(i);
  });
  for (int pass = 0; failed == 0 && pass < passes; ++pass) {
    failed = sortDigit(c, N, pass * kDigitBits, from, to, reinterpret_cast<int32_t*>(given));
    const Pairs sorted = to;
    to = from, from = sorted;
  }
  if (failed != 0) return failed;
  const int32_t* keys = from.keys;
  failed = each(c, C + 1, [=] __device__(int64_t entry) {
    int32_t first = 0;
    if (entry < C) {
      const int f = frames.ofCell(entry);
      int32_t end = frames.ptr[f + 1];
      first = frames.ptr[f];
      while (first < end) {
        const int32_t middle = first + (end - first) / 2;
        if (keys[middle] < entry + f) first = middle + 1;
        else end = middle;
      }
    }
    cellPtr[entry] = first;
  });
  if (failed != 0) return failed;
  return each(c, N, [=] __device__(int64_t k) {
    const int32_t i = order[k];
    const double* position = positions + int64_t{3} * i;
    const Placed p(position, frames.frame(frames.ofAtom(i)));
    for (int b = 0; b < 3; ++b) {
      place[b * N + k] = p.at[b];
      given[4 * k + b] = position[b];
      info[4 * k + b] = static_cast<int32_t>(p.offset[b]);
    }
    given[4 * k + 3] = 0;
    info[4 * k + 3] = i;
  });
}

int neighbourFind(const Call& c) {
  const Space s(c, c.ints[4] != 0);
  int32_t* count = out<int32_t>(c, 8);
  return each(c, s.N, [=] __device__(int64_t k) {
    int32_t found = 0;
    eachNeighbour(s, k, [&](int64_t, const int32_t*) { ++found; });
    count[s.order[k]] = found;
  });
}

// What orders the pairs of a centre.
struct Key {
  int32_t atom, shift[3];
  __device__ bool operator<(const Key& o) const {
    if (atom != o.atom) return atom < o.atom;
    for (int b = 0; b < 2; ++b)
      if (shift[b] != o.shift[b]) return shift[b] < o.shift[b];
    return shift[2] < o.shift[2];
  }
};

template <class T> int fill(const Call& c) {
  const int64_t E = c.ints[4];
  const Space s(c, c.ints[5] != 0);
  const int32_t from = c.ints[7], to = c.ints[8], *ptr = in<int32_t>(c, 9);
  int32_t *neighbour = out<int32_t>(c, 10), *centre = out<int32_t>(c, 11), *shift = out<int32_t>(c, 12);
  T *vector = out<T>(c, 13), *distance = out<T>(c, 14);
  // Until they are written, the last two arrays hold the pairs in the order in which they are found.
  auto *shiftFound = reinterpret_cast<int32_t*>(vector), *found = reinterpret_cast<int32_t*>(distance);
  int failed = each(c, s.N, [=] __device__(int64_t k) {
    const int32_t atom = s.order[k];
    if (atom < from || atom >= to) return;
    int64_t e = ptr[atom] - ptr[from];
    eachNeighbour(s, k, [&](int64_t l, const int32_t* t) {
      found[e] = static_cast<int32_t>(l), centre[e] = static_cast<int32_t>(k);
      for (int b = 0; b < 3; ++b) shiftFound[3 * e + b] = t[b];
      ++e;
    });
  });
  if (failed != 0) return failed;
  failed = each(c, E, [=] __device__(int64_t e) {
    const int32_t atom = s.order[centre[e]];
    const int64_t first = ptr[atom] - ptr[from], end = ptr[atom + 1] - ptr[from];
    const auto key = [=](int64_t k) {
      return Key{s.order[found[k]], {shiftFound[3 * k], shiftFound[3 * k + 1], shiftFound[3 * k + 2]}};
    };
    const Key own = key(e);
    int64_t row = first;
    for (int64_t k = first; k < end; ++k) row += key(k) < own;
    neighbour[row] = found[e];
    for (int b = 0; b < 3; ++b) shift[3 * row + b] = own.shift[b];
  });
  if (failed != 0) return failed;
  return each(c, E, [=] __device__(int64_t e) {
    const int64_t k = centre[e], l = neighbour[e];
    double v[3];
    const double d = s.vector(s.frames.frame(s.frames.ofAtom(k)), k, l, shift + 3 * e, v);
    for (int b = 0; b < 3; ++b) vector[3 * e + b] = static_cast<T>(v[b]);
    distance[e] = static_cast<T>(d);
    neighbour[e] = s.order[l], centre[e] = s.order[k];
  });
}

int neighbourFill(const Call& c) { return fill<double>(c); }
int neighbourFillSingle(const Call& c) { return fill<float>(c); }

} // namespace

CUDA_FAMILY(neighbours, CUDA_KERNEL_F64(neighbourExtent), CUDA_KERNEL_F64(neighbourGrid),
            CUDA_KERNEL_F64(neighbourFind), CUDA_KERNEL_F64(neighbourFill), CUDA_KERNEL_F64(neighbourFillSingle))

} // namespace cuda
} // namespace ag
