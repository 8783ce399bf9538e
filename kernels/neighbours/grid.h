// Atoms of frames moved into their compact cells and sorted by grid cell.
#pragma once
#include "../../native/team.h"
#include "space.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int64_t kAtomsAtATime = 4096;

// What moves an atom into the compact cell: positions = wrapped + offset . cell.
struct Wrap {
  Row inverse[3], compact[3], basis[3], periodic;

  explicit Wrap(const Frame& f) {
    for (int a = 0; a < 3; ++a) {
      inverse[a] = rowOf(f.inverse + 3 * a), compact[a] = rowOf(f.compact + 3 * a);
      const int32_t* b = f.basis + 3 * a;
      basis[a] = Row{static_cast<double>(b[0]), static_cast<double>(b[1]), static_cast<double>(b[2]), 0};
      periodic[a] = f.wraps(a) ? 1 : 0;
    }
    periodic[3] = 0;
  }

  Row whole(const double* p) const {
    return floorOf(every(p[0]) * inverse[0] + every(p[1]) * inverse[1] + every(p[2]) * inverse[2]) * periodic;
  }
  static Row times(Row s, const Row* rows) {
    return AG_ROWS(s, s, 0, 0, 0, 0) * rows[0] + AG_ROWS(s, s, 1, 1, 1, 1) * rows[1] +
           AG_ROWS(s, s, 2, 2, 2, 2) * rows[2];
  }
};

struct Atoms {
  const double *positions, *frames;
  const int32_t *framePtr, *plans;
  int64_t N, F;

  explicit Atoms(const Call& c)
      : positions(in<double>(c, 0)), frames(in<double>(c, 2)), framePtr(in<int32_t>(c, 1)), plans(in<int32_t>(c, 3)),
        N(c.ints[0]), F(c.ints[1]) {}

  Frame frame(int64_t f) const { return Frame(frames + kFrameReals * f, plans + kFrameInts * f); }
  Row position(int64_t i) const { return i + 1 < N ? wideRow(positions + 3 * i) : rowOf(positions + 3 * i); }

  // Calls f(frame's number, first, end) for the parts of frames among the atoms begin .. end.
  template <class G> void parts(int64_t begin, int64_t end, G&& g) const {
    int64_t f = 0, last = F;
    while (last - f > 1) {
      const int64_t middle = (f + last) / 2;
      (framePtr[middle] <= begin ? f : last) = middle;
    }
    for (int64_t at = begin; at < end; ++f) {
      const int64_t stop = framePtr[f + 1] < end ? framePtr[f + 1] : end;
      if (at < stop) g(f, at, stop);
      at = at < stop ? stop : at;
    }
  }

  template <class G> void share(const Call& c, double ns, G&& g) const {
    blocks(c, N, kAtomsAtATime, ns, [&](int64_t begin, int64_t end) { parts(begin, end, g); });
  }
};

// Smallest and largest fractions, largest coordinate (not a number where one is not finite) and offsets.
struct Extremes {
  Row low, high, position, offset, bad;

  Extremes() { low = every(__builtin_inf()), high = -low, position = offset = bad = Row{}; }

  void add(const Atoms& atoms, const Wrap& wrap, int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) {
      const Row at = atoms.position(i), s = wrap.whole(atoms.positions + 3 * i);
      const Row placed = at - Wrap::times(s, wrap.compact), u = Wrap::times(placed, wrap.inverse);
      bad += at * every(0);
      low = u < low ? u : low, high = u > high ? u : high;
      raise(position, at), raise(offset, Wrap::times(s, wrap.basis));
    }
  }
  void join(const Extremes& o) {
    low = o.low < low ? o.low : low, high = o.high > high ? o.high : high, bad += o.bad;
    raise(position, o.position), raise(offset, o.offset);
  }
  void put(double* to) const {
    const double* x = reinterpret_cast<const double*>(&position);
    const double most = x[0] > x[1] ? x[0] : x[1];
    putRow<false>(to, low), putRow<false>(to + 3, high), putRow<false>(to + 7, offset);
    to[6] = (most > position[2] ? most : position[2]) + (bad[0] + bad[1] + bad[2]);
  }

private:
  static void raise(Row& most, Row x) {
    const Row size = x < 0 ? -x : x;
    most = size > most ? size : most;
  }
};

struct Grid {
  const Atoms atoms;
  double *place, *given;
  int32_t *info, *order, *cellPtr, *cellOfAtom;

  explicit Grid(const Call& c)
      : atoms(c), place(out<double>(c, 4)), given(out<double>(c, 5)), info(out<int32_t>(c, 6)),
        order(out<int32_t>(c, 7)), cellPtr(out<int32_t>(c, 8)), cellOfAtom(static_cast<int32_t*>(c.work)) {}

  void findCells(int64_t f, int64_t first, int64_t end) const {
    const Frame frame = atoms.frame(f);
    const int32_t* n = frame.cells;
    if (n[0] == 0) return;
    const Wrap wrap(frame);
    Row zero = {}, scale = {};
    Offsets last = {n[0] - 1, n[1] - 1, n[2] - 1, 0};
    for (int a = 0; a < 3; ++a) {
      const double width = frame.wraps(a) ? 1 : frame.high[a] - frame.low[a];
      zero[a] = frame.wraps(a) ? 0 : frame.low[a], scale[a] = width > 0 ? n[a] / width : 0;
    }
    for (int64_t i = first; i < end; ++i) {
      const Row s = wrap.whole(atoms.positions + 3 * i);
      const Row u = Wrap::times(atoms.position(i) - Wrap::times(s, wrap.compact), wrap.inverse);
      Offsets cell = __builtin_convertvector((u - zero) * scale, Offsets);
      cell = cell < 0 ? Offsets{} : cell;
      cell = cell > last ? last : cell;
      cellOfAtom[i] = (cell[0] * n[1] + cell[1]) * n[2] + cell[2];
    }
  }

  // A counting sort: atoms of one cell keep their order.
  void sort(int64_t f) const {
    const Frame frame = atoms.frame(f);
    const int32_t first = atoms.framePtr[f], end = atoms.framePtr[f + 1];
    if (frame.cells[0] == 0) {
      for (int32_t i = first; i < end; ++i) order[i] = i;
      return;
    }
    const int64_t cells = static_cast<int64_t>(frame.cells[0]) * frame.cells[1] * frame.cells[2];
    int32_t* start = cellPtr + frame.firstCell;
    std::memset(start, 0, static_cast<size_t>(cells + 1) * sizeof(int32_t));
    for (int32_t i = first; i < end; ++i) ++start[cellOfAtom[i]];
    int32_t at = first;
    for (int64_t k = 0; k < cells; ++k) {
      const int32_t here = start[k];
      start[k] = at, at += here;
    }
    for (int32_t i = first; i < end; ++i) order[start[cellOfAtom[i]]++] = i;
    for (int64_t k = cells; k > 0; --k) start[k] = start[k - 1];
    start[0] = first;
  }

  void put(int64_t f, int64_t first, int64_t end) const {
    constexpr int64_t ahead = 24;
    const Wrap wrap(atoms.frame(f));
    const int64_t N = atoms.N;
    for (int64_t k = first; k < end; ++k) {
      if (k + ahead < end) __builtin_prefetch(atoms.positions + 3 * static_cast<int64_t>(order[k + ahead]));
      const int32_t i = order[k];
      const Row s = wrap.whole(atoms.positions + 3 * static_cast<int64_t>(i));
      Row at = atoms.position(i);
      const Row placed = at - Wrap::times(s, wrap.compact);
      Offsets t = __builtin_convertvector(Wrap::times(s, wrap.basis), Offsets);
      t[3] = i, at[3] = 0;
      place[k] = placed[0], place[N + k] = placed[1], place[2 * N + k] = placed[2];
      std::memcpy(given + 4 * k, &at, sizeof(at)), std::memcpy(info + 4 * k, &t, sizeof(t));
    }
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
