// Neighbours by cell lists: all j, S with |r_j + S . cell - r_i| < rcut, sorted by i, j and S.
//
// Layout: atoms sorted by grid cell, wrapped positions one component after the other (culling by registers), those as
// given in rows; results in rows of three, as users read them. Strategy: (neighbourGrid) a counting sort into grid
// cells of about two dozen atoms; small frames have no grid. The atoms of a cell (32 atoms in a row without a grid) are
// a block and share one list of candidates: atoms and images no farther than the cutoff from the box around the block,
// brought into the order of the result by one radix sort for all of its centres, then tested sixteen (eight, four) at a
// time in single precision around the block's origin. Only candidates in a thin shell around the cutoff (a millionth of
// the block's size) need the distance of the positions as given, in double precision, to decide. Two passes: counts
// first, so that every pair is written once, to its place. Blocks are shared by the team; no result depends on who did
// which. Bound: the bytes of the result, 52 a pair. Measured (one thread of an EPYC with AVX-512, against vesin 0.6.2):
// 27,000 atoms of diamond at 5 A, 2.3 million pairs, 42 ms to 182, a tenth of the bandwidth: 1 ns a pair in making the
// atoms ready, 2 in counting, 11 in writing, the rest in fresh pages and garbage collection; 32 frames of 20 atoms at 6
// A 1.8 ms to 5.8, 0.9 where no collection falls into the time. Tried: results copied out of the pool into new arrays
// (90 ms: fresh pages cost more than the search; now large ones are handed over with their memory); handing over
// smaller ones too (a fifth less at best, but no less garbage). Pitfalls: whether a pair at the cutoff is in must not
// depend on the instruction set, so exact distances are rounded after every product and sum; rows are stored four wide
// except the last of a centre, whose neighbour in memory may be another thread's; offsets come out in rising order only
// if the compact cell is the given one, else pairs are inserted.
#include "../../native/team.h"
#include "candidates.h"

namespace ag {
namespace AG_ISA {
namespace {

// --- grid ---------------------------------------------------------------------------------------------------------

struct Atoms {
  const double *wrapped, *fraction, *positions, *bounds;
  const int32_t *offset, *framePtr, *grid;
  int64_t N, F;
  double *place, *placedFraction, *given;
  int32_t *info, *cellPtr;

  explicit Atoms(const Call& c)
      : wrapped(in<double>(c, 0)), fraction(in<double>(c, 1)), positions(in<double>(c, 2)), bounds(in<double>(c, 5)),
        offset(in<int32_t>(c, 3)), framePtr(in<int32_t>(c, 4)), grid(in<int32_t>(c, 6)), N(c.ints[0]), F(c.ints[1]),
        place(out<double>(c, 7)), placedFraction(out<double>(c, 8)), given(out<double>(c, 9)),
        info(out<int32_t>(c, 10)), cellPtr(out<int32_t>(c, 11)) {}

  // Atom i becomes number k.
  void put(int64_t i, int64_t k) const {
    for (int b = 0; b < 3; ++b) {
      place[b * N + k] = wrapped[3 * i + b], placedFraction[b * N + k] = fraction[3 * i + b];
      given[3 * k + b] = positions[3 * i + b], info[4 * k + b] = offset[3 * i + b];
    }
    info[4 * k + 3] = static_cast<int32_t>(i);
  }

  int32_t cellOf(int64_t i, const int32_t* n, const double* bound) const {
    int32_t cell = 0;
    for (int a = 0; a < 3; ++a) {
      const bool periodic = n[3] >> a & 1;
      const double width = periodic ? 1 : bound[3 + a] - bound[a], zero = periodic ? 0 : bound[a];
      const double at = width > 0 ? (fraction[3 * i + a] - zero) * (n[a] / width) : 0;
      const int32_t whole = at < 0 ? 0 : static_cast<int32_t>(at);
      cell = cell * n[a] + (whole < n[a] ? whole : n[a] - 1);
    }
    return cell;
  }

  // A counting sort: atoms of one cell keep their order.
  void sort(int64_t f, int32_t* cellOfAtom) const {
    const int32_t* n = grid + 6 * f;
    const int64_t first = framePtr[f], end = framePtr[f + 1];
    if (n[0] == 0) {
      for (int64_t i = first; i < end; ++i) put(i, i);
      return;
    }
    const int64_t cells = static_cast<int64_t>(n[0]) * n[1] * n[2];
    int32_t* start = cellPtr + n[4];
    std::memset(start, 0, static_cast<size_t>(cells + 1) * sizeof(int32_t));
    for (int64_t i = first; i < end; ++i) ++start[cellOfAtom[i] = cellOf(i, n, bounds + 10 * f)];
    int32_t at = static_cast<int32_t>(first);
    for (int64_t k = 0; k < cells; ++k) {
      const int32_t here = start[k];
      start[k] = at, at += here;
    }
    for (int64_t i = first; i < end; ++i) put(i, start[cellOfAtom[i]]++);
    for (int64_t k = cells; k > 0; --k) start[k] = start[k - 1];
    start[0] = static_cast<int32_t>(first);
  }
};

static int neighbourGrid(const Call& c) {
  const Atoms atoms(c);
  auto* cells = static_cast<int32_t*>(c.work);
  blocks(c, atoms.F, 1, 60.0 * static_cast<double>(atoms.N) / static_cast<double>(atoms.F ? atoms.F : 1),
         [&](int64_t begin, int64_t end) {
           for (int64_t f = begin; f < end; ++f) atoms.sort(f, cells);
         });
  atoms.cellPtr[c.ints[2]] = 0; // one more than is used, so that there is always one
  return 0;
}

// --- search -------------------------------------------------------------------------------------------------------

// One centre's test of a list of candidates.
struct Centre {
  int64_t id;
  Row given;
  Offsets offset; // of the centre, and zero
  V<float> x, y, z;

  Centre(const Space& s, const Block& block, int64_t id_) : id(id_), given(rowOf(s.given + 3 * id_)) {
    const int32_t* info = s.info + 4 * id;
    offset = Offsets{info[0], info[1], info[2], 0};
    x = splat(static_cast<float>(s.place[id] - block.origin[0]));
    y = splat(static_cast<float>(s.place[s.N + id] - block.origin[1]));
    z = splat(static_cast<float>(s.place[2 * s.N + id] - block.origin[2]));
  }

  inline AG_ALWAYS V<float> squares(const Candidates& list, int k) const {
    const V<float> dx = load(list.x + k) - x, dy = load(list.y + k) - y, dz = load(list.z + k) - z;
    return fma(dx, dx, fma(dy, dy, dz * dz));
  }

  // Whether a candidate is a neighbour, by the positions as given.
  bool exact(const Space& s, const Block& block, const int32_t* image) const {
    const int64_t other = image[3];
    const int32_t* info = s.info + 4 * other;
    const Offsets t = Offsets{image[0] - info[0], image[1] - info[1], image[2] - info[2], 0} + offset;
    if (other == id && t[0] == 0 && t[1] == 0 && t[2] == 0) return false;
    const double d = exactLength(exactVector(block.cell, given, rowOf(s.given + 3 * other), t));
    return d < s.rcut || (s.inclusive && d == s.rcut);
  }

  uint32_t filter(const Space& s, const Block& block, const Candidates& list, int k, uint32_t shell) const {
    uint32_t in = 0;
    for (; shell != 0; shell &= shell - 1) {
      const int l = __builtin_ctz(shell);
      in |= static_cast<uint32_t>(exact(s, block, list.image[k + l])) << l;
    }
    return in;
  }

  int32_t count(const Space& s, const Block& block, const Candidates& list) const {
    int32_t found = 0;
    for (int k = 0; k < list.count; k += kWide) {
      const V<float> d2 = squares(list, k);
      const uint32_t sure = below(d2, block.near2), shell = notAbove(d2, block.far2) & ~sure;
      found += __builtin_popcount(sure);
      if (shell != 0) found += __builtin_popcount(filter(s, block, list, k, shell));
    }
    return found;
  }

  // Numbers of the neighbours in the list; `self`: where the centre itself stands.
  int list(const Space& s, const Block& block, const Candidates& list, int self, int32_t* hits) const {
    int found = 0;
    for (int k = 0; k < list.count; k += kWide) {
      const V<float> d2 = squares(list, k);
      const uint32_t maybe = notAbove(d2, block.far2), shell = maybe & ~below(d2, block.near2);
      uint32_t in = maybe;
      if (shell != 0) in = (maybe & ~shell) | filter(s, block, list, k, shell);
      if (static_cast<uint32_t>(self - k) < static_cast<uint32_t>(kWide)) in &= ~(1u << (self - k));
      found += listBits(in, k, hits + found);
    }
    return found;
  }
};

template <class F> static void search(const Call& c, const Space& s, int64_t tasks, F&& f) {
  // About a hundred neighbours of two dozen centres a block.
  blocks(c, tasks, 4, 20e3, [&](int64_t begin, int64_t end) { eachBlock(s, begin, end, f); });
}

static int neighbourCount(const Call& c) {
  const Space s(c, c.ints[3] != 0);
  int32_t* to = out<int32_t>(c, 11);
  search(c, s, c.ints[4], [&](const Block& block) {
    Candidates list;
    int32_t found[kMostCentres] = {};
    auto flush = [&] {
      for (int64_t k = block.first; k < block.end; ++k)
        found[k - block.first] += Centre(s, block, k).count(s, block, list);
    };
    Collector<false, decltype(flush)&>(s, block, list, flush).collect();
    // A centre is surely near itself.
    for (int64_t k = block.first; k < block.end; ++k) to[s.info[4 * k + 3]] = found[k - block.first] - block.sure;
  });
  return 0;
}

// --- fill ---------------------------------------------------------------------------------------------------------

template <class T> struct List {
  int32_t *neighbour, *centre, *shift;
  T *vector, *distance;
};

// A list of candidates by the positions as given, and where the block's centres stand in it.
struct Given {
  alignas(64) double at[kMostCandidates][4];
  alignas(64) int32_t offset[kMostCandidates][4]; // image less the atom's own; the atom
  int32_t self[kMostCentres];

  void look(const Space& s, const Block& block, const Candidates& list) {
    for (int32_t& k : self) k = -kWide;
    for (int k = 0; k < list.count; ++k) {
      const int32_t* image = list.image[k];
      const int64_t id = image[3];
      const int32_t* info = s.info + 4 * id;
      const Row row = rowOf(s.given + 3 * id);
      std::memcpy(at[k], &row, sizeof(row));
      for (int b = 0; b < 3; ++b) offset[k][b] = image[b] - info[b];
      offset[k][3] = info[3];
      if (id >= block.first && id < block.end && (image[0] | image[1] | image[2]) == 0) self[id - block.first] = k;
    }
  }
};

// The pairs of one centre with the listed candidates, to rows e and on.
template <class T> struct Writer {
  const List<T>& to;
  const Block& block;
  const Given& given;
  const Centre& centre;
  Row a, b, c;

  Writer(const List<T>& to_, const Block& block_, const Given& given_, const Centre& centre_)
      : to(to_), block(block_), given(given_), centre(centre_), a(rowOf(block_.cell)), b(rowOf(block_.cell + 3)),
        c(rowOf(block_.cell + 6)) {}

  inline AG_ALWAYS Row vector(int k, Offsets& t) const {
    Row at;
    std::memcpy(&t, given.offset[k], sizeof(t));
    std::memcpy(&at, given.at[k], sizeof(at));
    t += centre.offset;
    const Row s = __builtin_convertvector(t, Row);
    const Row moved = rounded(AG_ROWS(s, s, 0, 0, 0, 0) * a) + rounded(AG_ROWS(s, s, 1, 1, 1, 1) * b) +
                      rounded(AG_ROWS(s, s, 2, 2, 2, 2) * c);
    return at - centre.given + moved;
  }

  // Four pairs; the last row of a centre must not spill into the next one's, which another thread may have written.
  inline AG_ALWAYS void four(const int32_t* hits, int64_t e) const {
    Offsets t[4];
    Row v[4];
    for (int q = 0; q < 4; ++q) v[q] = vector(hits[q], t[q]);
    for (int q = 0; q < 4; ++q) to.neighbour[e + q] = t[q][3];
    for (int q = 0; q < 3; ++q) putRow<true>(to.shift + 3 * (e + q), t[q]), putRow<true>(to.vector + 3 * (e + q), v[q]);
    putRow<false>(to.shift + 3 * (e + 3), t[3]), putRow<false>(to.vector + 3 * (e + 3), v[3]);
    transpose(v[0], v[1], v[2], v[3]);
    const Row d = root(rounded(v[0] * v[0]) + rounded(v[1] * v[1]) + rounded(v[2] * v[2]));
    for (int q = 0; q < 4; ++q) to.distance[e + q] = static_cast<T>(d[q]);
  }

  inline AG_ALWAYS void one(int hit, int64_t e) const {
    Offsets t;
    const Row v = vector(hit, t);
    to.neighbour[e] = t[3];
    putRow<false>(to.shift + 3 * e, t), putRow<false>(to.vector + 3 * e, v);
    to.distance[e] = static_cast<T>(exactLength(v));
  }

  // In a lattice given by other vectors than the compact ones, the images of an atom come in another order: puts the
  // pair before those of the same atom with larger offsets.
  void insert(int hit, int64_t first, int64_t e) const {
    Offsets t;
    const Row v = vector(hit, t);
    const T d = static_cast<T>(exactLength(v));
    for (; e > first && to.neighbour[e - 1] == t[3] && after(e - 1, t); --e) {
      to.neighbour[e] = to.neighbour[e - 1], to.distance[e] = to.distance[e - 1];
      for (int k = 0; k < 3; ++k)
        to.shift[3 * e + k] = to.shift[3 * e - 3 + k], to.vector[3 * e + k] = to.vector[3 * e - 3 + k];
    }
    to.neighbour[e] = t[3], to.distance[e] = d;
    putRow<false>(to.shift + 3 * e, t), putRow<false>(to.vector + 3 * e, v);
  }

  bool after(int64_t e, Offsets t) const {
    for (int k = 0; k < 3; ++k)
      if (to.shift[3 * e + k] != t[k]) return to.shift[3 * e + k] > t[k];
    return false;
  }
};

template <class T> static int fill(const Call& c) {
  const Space s(c, c.ints[4] != 0);
  const int32_t* ptr = in<int32_t>(c, 11);
  const int32_t from = c.ints[6], to = c.ints[7];
  const List<T> list{out<int32_t>(c, 12), out<int32_t>(c, 13), out<int32_t>(c, 14), out<T>(c, 15), out<T>(c, 16)};
  search(c, s, c.ints[5], [&](const Block& block) {
    int64_t row[kMostCentres];
    bool any = false;
    for (int64_t k = block.first; k < block.end; ++k) {
      const int32_t atom = s.info[4 * k + 3];
      const bool wanted = atom >= from && atom < to;
      row[k - block.first] = wanted ? ptr[atom] - ptr[from] : -1;
      any |= wanted;
    }
    if (!any) return;
    Candidates candidates;
    Given given;
    const bool inOrder = block.basisIsUnit();
    auto flush = [&] {
      int32_t hits[kMostCandidates + kWide];
      given.look(s, block, candidates);
      for (int64_t k = block.first; k < block.end; ++k) {
        int64_t& e = row[k - block.first];
        if (e < 0) continue;
        const Centre centre(s, block, k);
        const int n = centre.list(s, block, candidates, given.self[k - block.first], hits);
        const int32_t atom = s.info[4 * k + 3];
        const Writer<T> write(list, block, given, centre);
        for (int h = 0; h < n; ++h) list.centre[e + h] = atom;
        int h = 0;
        if (inOrder)
          for (; h + 4 <= n; h += 4) write.four(hits + h, e + h);
        for (; h < n; ++h)
          if (inOrder) write.one(hits[h], e + h);
          else write.insert(hits[h], ptr[atom] - ptr[from], e + h);
        e += n;
      }
    };
    Collector<true, decltype(flush)&>(s, block, candidates, flush).collect();
  });
  return 0;
}

} // namespace

// Distances are always f64: which pairs are neighbours must not depend on a model's precision.
FAMILY(neighbours, {"neighbourGrid", nullptr, neighbourGrid, nullptr},
       {"neighbourCount", nullptr, neighbourCount, nullptr}, {"neighbourFill", nullptr, fill<double>, nullptr},
       {"neighbourFillSingle", nullptr, fill<float>, nullptr})

} // namespace AG_ISA
} // namespace ag
