// The rows of the result: pairs of a block's centres with their neighbours among a list of candidates.
#pragma once
#include "pairs.h"

namespace ag {
namespace AG_ISA {
namespace {

template <class T> struct List {
  int32_t *neighbour, *centre, *shift;
  T *vector, *distance;

  // The lines of rows e .. e + n on their way, as far as the second-level cache, before they are written.
  AG_ALWAYS inline void fetch(int64_t e, int64_t n) const {
    if (n <= 0) return;
    lines(neighbour + e, 4 * n), lines(centre + e, 4 * n), lines(shift + 3 * e, 12 * n);
    lines(vector + 3 * e, 3 * static_cast<int64_t>(sizeof(T)) * n);
    lines(distance + e, static_cast<int64_t>(sizeof(T)) * n);
  }

private:
  AG_ALWAYS static inline void lines(const void* p, int64_t bytes) {
    const char* at = static_cast<const char*>(p);
    for (int64_t k = 0; k < bytes; k += 64) __builtin_prefetch(at + k, 0, 2);
    __builtin_prefetch(at + bytes - 1, 0, 2);
  }
};

// A list of candidates by the positions as given. Centres of one block mostly lie in one cell: `moved` and `offset` are
// right for all whose own offset is that of the first centre.
struct Given {
  Row a, b, c; // the cell
  Offsets home;
  alignas(64) double at[kMostCandidates][4];
  alignas(64) double moved[kMostCandidates][4];
  alignas(64) int32_t offset[kMostCandidates][4]; // of the neighbour; the atom

  Given(const Space& s, const Block& block)
      : a(rowOf(block.frame.cell)), b(rowOf(block.frame.cell + 3)), c(rowOf(block.frame.cell + 6)),
        home(wideOffsets(s.info + 4 * block.first)) {
    home[3] = 0;
  }

  void look(const Space& s, const Section& list) {
    for (int k = 0; k < list.count; ++k) {
      const int64_t id = list.id[k];
      const Row row = wideRow(s.given + 4 * id);
      const Offsets info = wideOffsets(s.info + 4 * id);
      const Offsets image = wideOffsets(list.offset + 4 * list.image[k]);
      Offsets t = Offsets{image[0], image[1], image[2], 0} - info + home;
      const Row m = shifted(a, b, c, t);
      t[3] = info[3];
      std::memcpy(at[k], &row, sizeof(row)), std::memcpy(moved[k], &m, sizeof(m));
      std::memcpy(offset[k], &t, sizeof(t));
    }
  }
};

// Writes the pairs of one centre.
template <class T> struct Writer {
  const List<T>& to;
  const Given& given;
  int32_t atom;
  Row from;
  Offsets beyond; // the centre's offset less the first centre's
  bool home;

  Writer(const List<T>& to_, const Given& given_, const Space& s, int64_t id)
      : to(to_), given(given_), from(wideRow(s.given + 4 * id)) {
    const Offsets own = wideOffsets(s.info + 4 * id);
    atom = own[3];
    beyond = Offsets{own[0], own[1], own[2], 0} - given.home;
    home = (beyond[0] | beyond[1] | beyond[2]) == 0;
  }

  // Pairs e .. e + n of the neighbours in order.
  void rows(const uint16_t* hits, int n, int64_t e) const {
    for (int h = 0; h < n; ++h) to.centre[e + h] = atom;
    if (home) rowsFrom<true>(hits, n, e);
    else rowsFrom<false>(hits, n, e);
  }

  // In a lattice given by other vectors than the compact ones, the images of an atom come in another order: puts the
  // pair before those of the same atom with larger offsets.
  void insert(int hit, int64_t first, int64_t e) const {
    Offsets t;
    const Row v = home ? vector<true>(hit, t) : vector<false>(hit, t);
    const T d = static_cast<T>(exactLength(v));
    to.centre[e] = atom;
    for (; e > first && to.neighbour[e - 1] == t[3] && after(e - 1, t); --e) {
      to.neighbour[e] = to.neighbour[e - 1], to.distance[e] = to.distance[e - 1];
      for (int k = 0; k < 3; ++k)
        to.shift[3 * e + k] = to.shift[3 * e - 3 + k], to.vector[3 * e + k] = to.vector[3 * e - 3 + k];
    }
    to.neighbour[e] = t[3], to.distance[e] = d;
    putRow<false>(to.shift + 3 * e, t), putRow<false>(to.vector + 3 * e, v);
  }

private:
  bool after(int64_t e, Offsets t) const {
    for (int k = 0; k < 3; ++k)
      if (to.shift[3 * e + k] != t[k]) return to.shift[3 * e + k] > t[k];
    return false;
  }

  template <bool at_home> AG_ALWAYS inline Row vector(int k, Offsets& t) const {
    t = wideOffsets(given.offset[k]);
    if (at_home) return wideRow(given.at[k]) - from + wideRow(given.moved[k]);
    t += beyond;
    return wideRow(given.at[k]) - from + shifted(given.a, given.b, given.c, t);
  }

  // The last row of a centre must not spill into the next one's, which another thread may have written.
  template <bool at_home> AG_ALWAYS inline void rowsFrom(const uint16_t* hits, int n, int64_t e) const {
    int h = 0;
    for (; h + 4 < n; h += 4) four<at_home, true>(hits + h, e + h);
    if (h + 4 == n) four<at_home, false>(hits + h, e + h), h += 4;
    for (; h < n; ++h) one<at_home>(hits[h], e + h);
  }

  template <bool at_home, bool spill> AG_ALWAYS inline void four(const uint16_t* hits, int64_t e) const {
    Offsets t[4];
    Row v[4];
    for (int q = 0; q < 4; ++q) v[q] = vector<at_home>(hits[q], t[q]);
    int32_t* shift = to.shift + 3 * e;
    T* at = to.vector + 3 * e;
    for (int q = 0; q < 3; ++q) putRow<true>(shift + 3 * q, t[q]), putRow<true>(at + 3 * q, v[q]);
    putRow<spill>(shift + 9, t[3]), putRow<spill>(at + 9, v[3]);
    const Offsets j = {t[0][3], t[1][3], t[2][3], t[3][3]};
    std::memcpy(to.neighbour + e, &j, sizeof(j));
    transpose(v[0], v[1], v[2], v[3]);
    const Row d = root(rounded(v[0] * v[0]) + rounded(v[1] * v[1]) + rounded(v[2] * v[2]));
    putFour(to.distance + e, d);
  }

  AG_ALWAYS static inline void putFour(double* p, Row d) { std::memcpy(p, &d, sizeof(d)); }
  AG_ALWAYS static inline void putFour(float* p, Row d) {
    const RowF f = __builtin_convertvector(d, RowF);
    std::memcpy(p, &f, sizeof(f));
  }

  template <bool at_home> AG_ALWAYS inline void one(int hit, int64_t e) const {
    Offsets t;
    const Row v = vector<at_home>(hit, t);
    to.neighbour[e] = t[3];
    putRow<false>(to.shift + 3 * e, t), putRow<false>(to.vector + 3 * e, v);
    to.distance[e] = static_cast<T>(exactLength(v));
  }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
