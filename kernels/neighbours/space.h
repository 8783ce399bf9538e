// What the search reads: frames of atoms sorted by grid cell (kernels/neighbours/op.ts says what each array is).
#pragma once
#include "lanes.h"

namespace ag {
namespace AG_ISA {
namespace {

// Centres that are searched together: they share one list of candidates.
constexpr int kMostCentres = 64;
// Centres of a block in frames without a grid.
constexpr int kDirectCentres = 32;

struct Pair {
  Row vector;
  double distance;
};

struct Space {
  const double *place, *fraction, *given, *cells, *compact, *bounds;
  const int32_t *info, *cellPtr, *framePtr, *basis, *grid;
  int64_t N, F;
  double rcut;
  bool inclusive;

  Space(const Call& c, bool inclusive_)
      : place(in<double>(c, 0)), fraction(in<double>(c, 1)), given(in<double>(c, 2)), cells(in<double>(c, 6)),
        compact(in<double>(c, 7)), bounds(in<double>(c, 9)), info(in<int32_t>(c, 3)), cellPtr(in<int32_t>(c, 4)),
        framePtr(in<int32_t>(c, 5)), basis(in<int32_t>(c, 8)), grid(in<int32_t>(c, 10)), N(c.ints[0]), F(c.ints[2]),
        rcut(c.reals[0]), inclusive(inclusive_) {}
};

// The atoms first .. end of a frame that are centres together.
struct Block {
  int64_t frame, first, end;
  const double *cell, *compact, *bounds;
  const int32_t *grid, *basis;
  double origin[3], half[3];    // a box around the centres
  double lowest[3], highest[3]; // their fractions
  double far;                   // candidates are within this distance of the box
  V<float> far2, near2;         // single-precision squares beyond which pairs are surely out, below which surely in
  bool sure;                    // near2 > 0

  Block(const Space& s, int64_t frame_, int64_t first_, int64_t end_) : frame(frame_), first(first_), end(end_) {
    cell = s.cells + 9 * frame, compact = s.compact + 9 * frame, bounds = s.bounds + 10 * frame;
    grid = s.grid + 6 * frame, basis = s.basis + 9 * frame;
    double size = 0;
    for (int b = 0; b < 3; ++b) {
      const double *x = s.place + b * s.N, *f = s.fraction + b * s.N;
      double low = x[first], high = low;
      lowest[b] = highest[b] = f[first];
      for (int64_t k = first + 1; k < end; ++k) {
        low = x[k] < low ? x[k] : low, high = x[k] > high ? x[k] : high;
        lowest[b] = f[k] < lowest[b] ? f[k] : lowest[b], highest[b] = f[k] > highest[b] ? f[k] : highest[b];
      }
      origin[b] = 0.5 * low + 0.5 * high, half[b] = 0.5 * high - 0.5 * low;
      size += half[b];
    }
    // Coordinates relative to the origin are rounded to float: 2^-24 of at most size + far each, and what follows.
    const double slack = bounds[9], reach = s.rcut + slack, rounding = 1e-6 * (size + reach);
    far = reach + rounding;
    const double near = s.rcut - slack - rounding;
    far2 = splat(static_cast<float>(far * far * (1 + 1e-6)));
    sure = near > 0;
    near2 = splat(sure ? static_cast<float>(near * near * (1 - 1e-6)) : 0.0f);
  }

  bool basisIsUnit() const {
    for (int k = 0; k < 9; ++k)
      if (basis[k] != (k % 4 == 0)) return false;
    return true;
  }
};

// r_j + t . cell - r_i of positions as given, and its length, rounded after every product and sum: whether a pair at
// the cutoff is in must not depend on the instruction set.
AG_INLINE Row exactVector(const double* cell, Row from, Row to, Offsets t) {
  const Row s = __builtin_convertvector(t, Row);
  const Row moved = rounded(AG_ROWS(s, s, 0, 0, 0, 0) * rowOf(cell)) +
                    rounded(AG_ROWS(s, s, 1, 1, 1, 1) * rowOf(cell + 3)) +
                    rounded(AG_ROWS(s, s, 2, 2, 2, 2) * rowOf(cell + 6));
  return to - from + moved;
}
AG_INLINE double exactLength(Row v) {
  return __builtin_sqrt(rounded(v[0] * v[0]) + rounded(v[1] * v[1]) + rounded(v[2] * v[2]));
}

// Calls f(block) for a range of the frames' blocks; grid[5] is the number of a frame's first block.
template <class F> static void eachBlock(const Space& s, int64_t begin, int64_t end, F&& f) {
  int64_t frame = 0, last = s.F;
  while (last - frame > 1) {
    const int64_t middle = (frame + last) / 2;
    (s.grid[6 * middle + 5] <= begin ? frame : last) = middle;
  }
  for (int64_t t = begin; t < end; ++t) {
    while (frame + 1 < s.F && t >= s.grid[6 * (frame + 1) + 5]) ++frame;
    const int32_t* grid = s.grid + 6 * frame;
    const int64_t k = t - grid[5];
    if (grid[0] == 0) {
      const int64_t first = s.framePtr[frame] + k * kDirectCentres, stop = s.framePtr[frame + 1];
      f(Block(s, frame, first, first + kDirectCentres < stop ? first + kDirectCentres : stop));
      continue;
    }
    const int64_t stop = s.cellPtr[grid[4] + k + 1];
    for (int64_t first = s.cellPtr[grid[4] + k]; first < stop; first += kMostCentres)
      f(Block(s, frame, first, first + kMostCentres < stop ? first + kMostCentres : stop));
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
