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

constexpr int kFrameReals = 37, kFrameInts = 17;

// A frame's cells, the plan of its search and its extremes.
struct Frame {
  const double *cell, *compact, *inverse; // lattice vectors as given; short ones of the same lattice and their inverse
  const double *low, *high, *reach;       // fractions of the atoms; the cutoff in units of the compact cell's heights
  double slack;
  const int32_t *basis, *cells; // compact = basis . cell; grid cells per axis, zeros: no grid
  int32_t periodic, firstCell, firstTask, storeWords, storeFirst;

  Frame(const double* reals, const int32_t* ints)
      : cell(reals), compact(reals + 9), inverse(reals + 18), low(reals + 27), high(reals + 30), reach(reals + 33),
        slack(reals[36]), basis(ints), cells(ints + 9), periodic(ints[12]), firstCell(ints[13]), firstTask(ints[14]),
        storeWords(ints[15]), storeFirst(ints[16]) {}

  bool wraps(int axis) const { return periodic >> axis & 1; }
  bool basisIsUnit() const {
    for (int k = 0; k < 9; ++k)
      if (basis[k] != (k % 4 == 0)) return false;
    return true;
  }
};

struct Space {
  const double *place, *given, *frames;
  const int32_t *info, *order, *cellPtr, *framePtr, *plans;
  int64_t N, F;

  explicit Space(const Call& c)
      : place(in<double>(c, 0)), given(in<double>(c, 1)), frames(in<double>(c, 6)), info(in<int32_t>(c, 2)),
        order(in<int32_t>(c, 3)), cellPtr(in<int32_t>(c, 4)), framePtr(in<int32_t>(c, 5)), plans(in<int32_t>(c, 7)),
        N(c.ints[0]), F(c.ints[2]) {}

  Frame frame(int64_t f) const { return Frame(frames + kFrameReals * f, plans + kFrameInts * f); }
};

// The atoms first .. end of a frame that are centres together.
struct Block {
  int64_t number;
  Frame frame;
  int64_t firstAtom, endAtom; // of the frame
  int64_t first, end;
  double origin[3], half[3];    // a box around the centres
  double lowest[3], highest[3]; // fractions of the compact cell around the box

  Block(const Space& s, int64_t f, int64_t first_, int64_t end_)
      : number(f), frame(s.frame(f)), firstAtom(s.framePtr[f]), endAtom(s.framePtr[f + 1]), first(first_), end(end_) {
    for (int b = 0; b < 3; ++b) {
      const double* x = s.place + b * s.N;
      double low = x[first], high = low;
      int64_t k = first;
      if (end - first >= kLanes<double>) {
        V<double> least = load(x + first), most = least;
        for (; k + kLanes<double> <= end; k += kLanes<double>) {
          const V<double> v = load(x + k);
          least = select<double>(v < least, v, least), most = select<double>(v > most, v, most);
        }
        for (int l = 0; l < kLanes<double>; ++l)
          low = least[l] < low ? least[l] : low, high = most[l] > high ? most[l] : high;
      }
      for (; k < end; ++k) low = x[k] < low ? x[k] : low, high = x[k] > high ? x[k] : high;
      origin[b] = 0.5 * low + 0.5 * high, half[b] = 0.5 * high - 0.5 * low;
    }
    for (int a = 0; a < 3; ++a) {
      double at = 0, spread = 0;
      for (int b = 0; b < 3; ++b)
        at += origin[b] * frame.inverse[3 * b + a], spread += half[b] * __builtin_fabs(frame.inverse[3 * b + a]);
      lowest[a] = at - spread, highest[a] = at + spread;
    }
  }

  int centres() const { return static_cast<int>(end - first); }
};

// Which squares of distances within a block decide, in single precision around its origin.
struct Sphere {
  double far;           // candidates are within this distance of the block's box
  V<float> far2, near2; // squares beyond which pairs are surely out, below which surely in

  Sphere(const Block& block, double rcut) {
    const double* half = block.half;
    // Coordinates relative to the origin are rounded to float: 2^-24 of at most size + far each, and what follows.
    const double slack = block.frame.slack, reach = rcut + slack,
                 rounding = 1e-6 * (half[0] + half[1] + half[2] + reach);
    far = reach + rounding;
    const double near = rcut - slack - rounding;
    far2 = splat(static_cast<float>(far * far * (1 + 1e-6)));
    near2 = splat(near > 0 ? static_cast<float>(near * near * (1 - 1e-6)) : 0.0f);
  }
};

// Calls f(block) for a range of the frames' tasks.
template <class F> static void eachBlock(const Space& s, int64_t begin, int64_t end, F&& f) {
  const auto firstTask = [&](int64_t frame) { return s.plans[kFrameInts * frame + 14]; };
  int64_t frame = 0, last = s.F;
  while (last - frame > 1) {
    const int64_t middle = (frame + last) / 2;
    (firstTask(middle) <= begin ? frame : last) = middle;
  }
  for (int64_t t = begin; t < end; ++t) {
    while (frame + 1 < s.F && t >= firstTask(frame + 1)) ++frame;
    const Frame here = s.frame(frame);
    const int64_t k = t - here.firstTask;
    if (here.cells[0] == 0) {
      const int64_t first = s.framePtr[frame] + k * kDirectCentres, stop = s.framePtr[frame + 1];
      f(Block(s, frame, first, first + kDirectCentres < stop ? first + kDirectCentres : stop));
      continue;
    }
    const int64_t stop = s.cellPtr[here.firstCell + k + 1];
    for (int64_t first = s.cellPtr[here.firstCell + k]; first < stop; first += kMostCentres)
      f(Block(s, frame, first, first + kMostCentres < stop ? first + kMostCentres : stop));
  }
}

} // namespace
} // namespace AG_ISA
} // namespace ag
