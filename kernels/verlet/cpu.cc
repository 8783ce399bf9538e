// Neighbours among candidates: those of a list with a larger cutoff that are within the cutoff now, in the same order,
// to the bit as a search finds them.
//
// Layout: a candidate is a word, the number of the neighbour below and that of its cell offset above; positions and the
// lattice vectors of the offsets lie in rows of four. Strategy: (verletMoved) rows of four of the positions, and how
// far the farthest atom has come. (verletWithin) eight candidates at a time (four without AVX-512): rows are loaded
// rather than gathered, subtracted and turned; squares are compared with the least one whose root is no longer within
// the cutoff; the words that stay are written behind each other, for verletFill to read (four bytes a pair; masks would
// be fewer, but leave groups half empty). (verletFill) the same vectors again, roots, and rows of three written in
// whole registers. Centres stand in the order of the atoms, so that everything but positions is read and written in a
// row. Candidates in the cell itself, most in a large one, need no lattice vector. Bound: the bytes of the result, 52 a
// pair. Measured (one thread of an EPYC with AVX-512 beside a busy one), 27,000 atoms of diamond at 5 A with a skin of
// 1 A: 2 ns a pair to test, 1.1 a candidate; 3 to fill, of which the stores alone take 2.3; 512 atoms, in the
// caches, 2.3 and 2. Pitfalls: vectors and squares are rounded after every sum and product
// (kernels/neighbours/pairs.h); stores of whole registers reach behind the last row, where another thread may have
// written.
#include "../../native/team.h"
#include "group.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kAtomsAtATime = 4096, kCandidatesAtATime = 65536;

// Centres whose words share the room behind them, a group: kernels/verlet/op.ts counts it.
constexpr int64_t kCentres = 32, kSpare = 8;

static int verletPack(const Call& c) {
  const int64_t C = c.ints[0];
  const int bits = c.ints[1];
  const int32_t a = c.ints[2], b = c.ints[3], e = c.ints[4];
  const int32_t *neighbour = in<int32_t>(c, 0), *shift = in<int32_t>(c, 1);
  const double* cell = in<double>(c, 2);
  auto* packed = out<uint32_t>(c, 3);
  int32_t* offset = out<int32_t>(c, 4);
  double* moved = out<double>(c, 5);
  for (int32_t x = -a; x <= a; ++x)
    for (int32_t y = -b; y <= b; ++y)
      for (int32_t z = -e; z <= e; ++z, offset += 4, moved += 4) {
        offset[0] = x, offset[1] = y, offset[2] = z, offset[3] = 0, moved[3] = 0;
        for (int k = 0; k < 3; ++k)
          moved[k] = rounded(x * cell[k]) + rounded(y * cell[3 + k]) + rounded(z * cell[6 + k]);
      }
  const uint32_t sizes[3] = {2 * static_cast<uint32_t>(a) + 1, 2 * static_cast<uint32_t>(b) + 1,
                             2 * static_cast<uint32_t>(e) + 1};
  auto* lost = static_cast<int32_t*>(c.work);
  blocks(c, C, kCandidatesAtATime, 1, [&](int64_t begin, int64_t end) {
    int32_t outside = 0;
    for (int64_t k = begin; k < end; ++k) {
      const uint32_t x = static_cast<uint32_t>(shift[3 * k] + a), y = static_cast<uint32_t>(shift[3 * k + 1] + b),
                     z = static_cast<uint32_t>(shift[3 * k + 2] + e);
      outside |= x >= sizes[0] || y >= sizes[1] || z >= sizes[2];
      const uint64_t place = (uint64_t{x} * sizes[1] + y) * sizes[2] + z;
      packed[k] = static_cast<uint32_t>(place << bits) | static_cast<uint32_t>(neighbour[k]);
    }
    lost[begin / kCandidatesAtATime] = outside;
  });
  int32_t outside = 0;
  for (int64_t k = 0; k < C; k += kCandidatesAtATime) outside |= lost[k / kCandidatesAtATime];
  return outside;
}

// The largest of some squares; not a number where one is not.
struct Farthest {
  Row most = {}, none = {};

  AG_ALWAYS inline void add(Row square) {
    most = square > most ? square : most;
    none += square * every(0);
  }
  double value() const {
    double all = 0;
    for (int q = 0; q < 4; ++q) all = most[q] > all ? most[q] : all;
    return all + (none[0] + none[1] + none[2] + none[3]);
  }
};

static int verletMoved(const Call& c) {
  const int64_t N = c.ints[0];
  const double *positions = in<double>(c, 0), *start = in<double>(c, 1);
  double *given = out<double>(c, 2), *part = static_cast<double*>(c.work);
  blocks(c, N, kAtomsAtATime, 1.5, [=](int64_t begin, int64_t end) {
    const auto row = [=](const double* p, int64_t i) { return i + 1 < N ? wideRow(p + 3 * i) : rowOf(p + 3 * i); };
    Farthest all;
    for (int64_t i = begin; i < end; i += 4) {
      Row step[4] = {};
      for (int64_t q = 0; q < 4 && i + q < end; ++q) {
        Row at = row(positions, i + q);
        step[q] = at - row(start, i + q), at[3] = 0;
        std::memcpy(given + 4 * (i + q), &at, sizeof(at));
      }
      transpose(step[0], step[1], step[2], step[3]);
      all.add(rounded(step[0] * step[0]) + rounded(step[1] * step[1]) + rounded(step[2] * step[2]));
    }
    part[begin / kAtomsAtATime] = all.value();
  });
  Farthest all;
  for (int64_t k = 0; k < N; k += kAtomsAtATime) all.add(every(part[k / kAtomsAtATime]));
  *out<double>(c, 3) = all.value();
  return 0;
}

// The least square whose root is not within the cutoff: roots are rounded, and rise with what they are of.
static double firstBeyond(double rcut, bool inclusive) {
  const auto within = [=](double square) {
    const double d = __builtin_sqrt(square);
    return d < rcut || (inclusive && d == rcut);
  };
  const auto next = [](double x, int64_t by) {
    int64_t bits;
    std::memcpy(&bits, &x, sizeof(x));
    bits += by;
    std::memcpy(&x, &bits, sizeof(x));
    return x;
  };
  double square = rcut * rcut;
  while (square > 0 && !within(square)) square = next(square, -1);
  while (within(square)) square = next(square, 1);
  return square;
}

static double perCentre(double ns, int64_t pairs, int64_t centres) {
  return ns * static_cast<double>(pairs) / static_cast<double>(centres > 0 ? centres : 1);
}

static int64_t firstKept(const int32_t* ptr, int64_t i) { return ptr[i] + kSpare * (i / kCentres); }

static int verletWithin(const Call& c) {
  const int64_t C = c.ints[0], N = c.ints[1];
  const auto* packed = in<uint32_t>(c, 0);
  const int32_t* ptr = in<int32_t>(c, 1);
  const Places places(in<double>(c, 2), in<double>(c, 3), c.ints[4], c.ints[2]);
  const double far2 = firstBeyond(c.reals[0], c.ints[5] != 0);
  int32_t* count = out<int32_t>(c, 4);
  auto* kept = out<uint32_t>(c, 5);
  // Captured by value: what is written cannot be what the loops are made of.
  blocks(c, N, kCentres, perCentre(1, C, N), [=](int64_t begin, int64_t end) {
    const Places here = places;
    for (int64_t i = begin; i < end; ++i) {
      const auto centre = Group::centreOf(here.given + 4 * i);
      const uint32_t *word = packed + ptr[i], *last = packed + ptr[i + 1];
      uint32_t *const first = kept + firstKept(ptr, i), *to = first;
      for (; last - word >= kGroup; word += kGroup) to += Group(word, kGroup, here, centre).keep(kGroup, far2, to);
      const int rest = static_cast<int>(last - word);
      if (rest > 0) to += Group(word, rest, here, centre).keep(rest, far2, to);
      count[i] = static_cast<int32_t>(to - first);
    }
  });
  return 0;
}

static int verletFill(const Call& c) {
  const int64_t N = c.ints[1], E = c.ints[3];
  const auto* kept = in<uint32_t>(c, 0);
  const int32_t *ptr = in<int32_t>(c, 1), *offset = in<int32_t>(c, 4), *rows = in<int32_t>(c, 5);
  const Places places(in<double>(c, 2), in<double>(c, 3), c.ints[4], c.ints[2]);
  int32_t *neighbour = out<int32_t>(c, 6), *centre = out<int32_t>(c, 7), *shift = out<int32_t>(c, 8);
  double *vector = out<double>(c, 9), *distance = out<double>(c, 10);
  blocks(c, N, kCentres, perCentre(2, E, N), [=](int64_t begin, int64_t end) {
    const Places here = places;
    for (int64_t k = begin; k < end; ++k) {
      const auto from = Group::centreOf(here.given + 4 * k);
      const int32_t i = static_cast<int32_t>(k);
      const uint32_t* word = kept + firstKept(ptr, k);
      int64_t e = rows[k];
      const int64_t last = rows[k + 1];
      for (; e + kGroup < last; e += kGroup, word += kGroup)
        Group(word, kGroup, here, from)
            .put<true>(kGroup, i, offset, neighbour + e, centre + e, shift + 3 * e, vector + 3 * e, distance + e);
      // What is behind a centre's last row may be another thread's.
      const int rest = static_cast<int>(last - e);
      if (rest > 0)
        Group(word, rest, here, from)
            .put<false>(rest, i, offset, neighbour + e, centre + e, shift + 3 * e, vector + 3 * e, distance + e);
    }
  });
  return 0;
}

} // namespace

FAMILY(verlet, {"verletPack", nullptr, verletPack, nullptr}, {"verletMoved", nullptr, verletMoved, nullptr},
       {"verletWithin", nullptr, verletWithin, nullptr}, {"verletFill", nullptr, verletFill, nullptr})

} // namespace AG_ISA
} // namespace ag
