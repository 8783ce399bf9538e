// Neighbours by the direct method: every pair of atoms in every image, |r_j + S . cell - r_i| < rcut.
//
// Layout: image vectors one component after the other, so that the images of a pair are vector lanes; pairs come out
// sorted by centre, neighbour and offset. Strategy: wrapped positions and a slightly larger radius find candidates, the
// exact distance of the positions as given decides; two passes (count, fill) over the same code, centres shared by the
// team. Bound: 8 N^2 K flop; made for up to a few thousand atoms, larger systems want a cell list.
#include "../../native/simd.h"
#include "../../native/team.h"

namespace ag {
namespace AG_ISA {
namespace {

// Rounding of wrapped positions must not lose a pair at the cutoff.
constexpr double kSlack = 1e-6;

struct Search {
  const double *positions, *wrapped, *cell, *imageVector;
  const int32_t *offset, *image;
  int64_t N, K;
  double rcut;
  bool inclusive;

  Search(const Call& c, bool inclusive_)
      : positions(in<double>(c, 0)), wrapped(in<double>(c, 1)), cell(in<double>(c, 3)), imageVector(in<double>(c, 5)),
        offset(in<int32_t>(c, 2)), image(in<int32_t>(c, 4)), N(c.ints[0]), K(c.ints[1]), rcut(c.reals[0]),
        inclusive(inclusive_) {}

  // Calls found(j, shift, vector, distance) for the neighbours of i in order.
  template <class F> void of(int64_t i, F&& found) const {
    constexpr int L = kLanes<double>;
    const double reach = rcut + kSlack * (1 + rcut), reach2 = reach * reach;
    for (int64_t j = 0; j < N; ++j) {
      const double x = wrapped[3 * j] - wrapped[3 * i], y = wrapped[3 * j + 1] - wrapped[3 * i + 1],
                   z = wrapped[3 * j + 2] - wrapped[3 * i + 2];
      for (int64_t k = 0; k < K; k += L) {
        const int n = static_cast<int>(K - k < L ? K - k : L);
        const V<double> dx = loadPart(imageVector + k, n) + x, dy = loadPart(imageVector + K + k, n) + y,
                        dz = loadPart(imageVector + 2 * K + k, n) + z;
        const V<double> d2 = dx * dx + dy * dy + dz * dz;
        double lanes[L];
        store(lanes, d2);
        for (int l = 0; l < n; ++l)
          if (lanes[l] < reach2) exact(i, j, k + l, found);
      }
    }
  }

  template <class F> void exact(int64_t i, int64_t j, int64_t k, F&& found) const {
    int32_t s[3];
    for (int a = 0; a < 3; ++a) s[a] = image[3 * k + a] - offset[3 * j + a] + offset[3 * i + a];
    if (i == j && s[0] == 0 && s[1] == 0 && s[2] == 0) return;
    double v[3];
    for (int b = 0; b < 3; ++b)
      v[b] = positions[3 * j + b] - positions[3 * i + b] + (s[0] * cell[b] + s[1] * cell[3 + b] + s[2] * cell[6 + b]);
    const double distance = __builtin_sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    if (distance < rcut || (inclusive && distance == rcut)) found(j, s, v, distance);
  }
};

template <class F> static void centres(const Call& c, const Search& search, F&& each) {
  blocks(c, search.N, 16, static_cast<double>(search.N * search.K) * 0.8, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) each(i);
  });
}

static int neighbourCount(const Call& c) {
  const Search search(c, c.ints[2] != 0);
  int32_t* to = out<int32_t>(c, 6);
  centres(c, search, [&](int64_t i) {
    int32_t count = 0;
    search.of(i, [&](int64_t, const int32_t*, const double*, double) { ++count; });
    to[i] = count;
  });
  return 0;
}

static int neighbourFill(const Call& c) {
  const Search search(c, c.ints[3] != 0);
  const int32_t* ptr = in<int32_t>(c, 6);
  int32_t *neighbour = out<int32_t>(c, 7), *shift = out<int32_t>(c, 8);
  double *vector = out<double>(c, 9), *length = out<double>(c, 10);
  centres(c, search, [&](int64_t i) {
    int64_t e = ptr[i];
    search.of(i, [&](int64_t j, const int32_t* s, const double* v, double distance) {
      neighbour[e] = static_cast<int32_t>(j);
      for (int a = 0; a < 3; ++a) shift[3 * e + a] = s[a], vector[3 * e + a] = v[a];
      length[e++] = distance;
    });
  });
  return 0;
}

} // namespace

// Distances are always f64: which pairs are neighbours must not depend on a model's precision.
FAMILY(neighbours, {"neighbourCount", nullptr, neighbourCount, nullptr},
       {"neighbourFill", nullptr, neighbourFill, nullptr})

} // namespace AG_ISA
} // namespace ag
