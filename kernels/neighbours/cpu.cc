// Neighbours by cell lists: all j, S with |r_j + S . cell - r_i| < rcut, sorted by i, j and S.
//
// Layout: atoms sorted by grid cell, wrapped positions one component after the other (culling by registers), those as
// given in rows of four; results in rows of three, as users read them, written where the caller's arrays lie. Strategy:
// (neighbourExtent, neighbourGrid) extremes of the atoms, then a counting sort into grid cells of about two dozen;
// small frames have no grid. The atoms of a cell (32 atoms in a row without a grid) are a block and share one list of
// candidates: atoms and images no farther than the cutoff from the box around the block, eight (four, two) at a time
// over the atoms of a run of cells or over the images of an atom, brought into the order of the result by one radix
// sort for all of its centres, then tested sixteen (eight, four) at a time in single precision around the block's
// origin. Only candidates in a thin shell around the cutoff (a millionth of the block's size) need the distance of the
// positions as given, in double precision, to decide. Two passes, so that every pair is written once, to its place:
// neighbourFind counts and keeps each block's candidates and their 16-bit numbers in a store, six to fourteen bytes a
// pair; neighbourFill writes the rows, a candidate's offset and its lattice vector once for all centres of a block, the
// lines of the next centres' rows on their way. A block whose part of the store is too small is searched again. Blocks
// are shared by the team; no result depends on who did which. Bound: the bytes of the result, 52 a pair. Measured (one
// thread of an EPYC with AVX-512), a pair: 27,000 atoms of diamond at 5 A, 2.3 million pairs, 0.4 ns to make ready, 3.4
// to find, 7.3 to write into memory that is there, a third of the bandwidth; 32 frames of 20 atoms at 6 A 1.5, 2.5 and
// 4; 10,000 random atoms at 4 A with 13 neighbours each 2, 16 and 7, a million 2.5, 16 and (the best of several) 26;
// on a Xeon the same in all 0.45 us an atom and 0.58. Rows of atoms in no order lie far apart: a million crystal atoms,
// in the order of the lattice, cost what 10,000 do. Tried against that: rows fetched 1, 3 and 6 centres ahead (no
// change), as far as the second-level cache (5 %). Sorting candidates is nearly half of finding. Fresh pages cost more
// than all of it: 4 KiB ones 30 ns a pair, huge ones 7, memory that a virtual machine has never touched 130. Tried:
// results copied out of the pool into new arrays (twice the time). Pitfalls: whether a pair at the cutoff is in must
// not depend on the instruction set, so exact distances are rounded after every product and sum; rows are stored four
// wide except the last of a centre, whose neighbour in memory may be another thread's; offsets come out in rising order
// only if the compact cell is the given one, else pairs are inserted.
#include "grid.h"
#include "rows.h"

namespace ag {
namespace AG_ISA {
namespace {

static int neighbourExtent(const Call& c) {
  const Atoms atoms(c);
  double* to = out<double>(c, 4);
  // One frame alone is shared by parts; several are shared frame by frame.
  auto* partial = static_cast<Extremes*>(c.work);
  const int64_t parts = (atoms.N + kAtomsAtATime - 1) / kAtomsAtATime;
  if (atoms.F == 1) {
    const Wrap wrap(atoms.frame(0));
    blocks(c, atoms.N, kAtomsAtATime, 4, [&](int64_t begin, int64_t end) {
      Extremes part;
      part.add(atoms, wrap, begin, end);
      partial[begin / kAtomsAtATime] = part;
    });
    Extremes all;
    for (int64_t k = 0; k < parts; ++k) all.join(partial[k]);
    all.put(to);
    return 0;
  }
  blocks(c, atoms.F, 16, 4 * static_cast<double>(atoms.N) / static_cast<double>(atoms.F ? atoms.F : 1),
         [&](int64_t begin, int64_t end) {
           for (int64_t f = begin; f < end; ++f) {
             Extremes all;
             all.add(atoms, Wrap(atoms.frame(f)), atoms.framePtr[f], atoms.framePtr[f + 1]);
             all.put(to + 10 * f);
           }
         });
  return 0;
}

static int neighbourGrid(const Call& c) {
  const Grid grid(c);
  const Atoms& atoms = grid.atoms;
  atoms.share(c, 5, [&](int64_t f, int64_t first, int64_t end) { grid.findCells(f, first, end); });
  blocks(c, atoms.F, 1, 5.0 * static_cast<double>(atoms.N) / static_cast<double>(atoms.F ? atoms.F : 1),
         [&](int64_t begin, int64_t end) {
           for (int64_t f = begin; f < end; ++f) grid.sort(f);
         });
  atoms.share(c, 10, [&](int64_t f, int64_t first, int64_t end) { grid.put(f, first, end); });
  grid.cellPtr[c.ints[2]] = 0; // one more than is used, so that there is always one
  return 0;
}

template <class F> static void search(const Call& c, const Space& s, int64_t tasks, F&& f) {
  // Two dozen centres and about a hundred neighbours of each a block.
  blocks(c, tasks, 4, 8e3, [&](int64_t begin, int64_t end) { eachBlock(s, begin, end, f); });
}

// Tests a list against the block's centres; f(centre, neighbours, their number).
template <class F> static void testAll(Test& test, F&& f) {
  uint16_t hits[kMostCandidates + 2 * kWide];
  test.findCentres();
  for (int k = 0; k < test.block.centres(); ++k) f(k, hits, test.neighbours(k, hits));
}

static int neighbourFind(const Call& c) {
  const Space s(c);
  const bool inclusive = c.ints[4] != 0;
  int32_t *count = out<int32_t>(c, 8), *store = out<int32_t>(c, 9);
  search(c, s, c.ints[5], [&](const Block& block) {
    Candidates list;
    Test test(s, block, list, c.reals[0], inclusive);
    SectionWriter kept(store, block);
    int32_t found[kMostCentres] = {};
    auto flush = [&] {
      test.findCentres();
      uint16_t beside[kMostCandidates + 2 * kWide];
      bool keeping = kept.begin(list) != nullptr;
      for (int k = 0; k < block.centres(); ++k) {
        const bool inPlace = keeping && kept.hasRoom(list.count);
        const int n = test.neighbours(k, inPlace ? kept.room() : beside);
        found[k] += n;
        if (!keeping) continue;
        if (!inPlace) {
          keeping = kept.hasRoom(n);
          if (keeping) std::memcpy(kept.room(), beside, static_cast<size_t>(n) * 2);
          else kept.fail();
        }
        if (keeping) kept.note(k, n);
      }
      if (keeping) kept.close();
    };
    Collector<decltype(flush)&>(s, block, test.sphere.far, list, flush).collect();
    for (int k = 0; k < block.centres(); ++k) count[s.order[block.first + k]] = found[k];
  });
  return 0;
}

template <class T> static int fill(const Call& c) {
  const Space s(c);
  const bool inclusive = c.ints[5] != 0;
  const int32_t *store = in<int32_t>(c, 8), *ptr = in<int32_t>(c, 9);
  const int32_t from = c.ints[7], to = c.ints[8];
  const List<T> list{out<int32_t>(c, 10), out<int32_t>(c, 11), out<int32_t>(c, 12), out<T>(c, 13), out<T>(c, 14)};
  search(c, s, c.ints[6], [&](const Block& block) {
    int64_t row[kMostCentres], first[kMostCentres], rows[kMostCentres];
    bool any = false;
    for (int k = 0; k < block.centres(); ++k) {
      const int32_t atom = s.order[block.first + k];
      const bool wanted = atom >= from && atom < to;
      row[k] = first[k] = wanted ? ptr[atom] - ptr[from] : -1;
      rows[k] = wanted ? ptr[atom + 1] - ptr[atom] : 0;
      any |= wanted;
    }
    if (!any) return;
    constexpr int ahead = 3;
    for (int k = 0; k < ahead && k < block.centres(); ++k) list.fetch(row[k], rows[k]);
    Given given(s, block);
    const bool inOrder = block.frame.basisIsUnit();
    const auto put = [&](int k, const uint16_t* hits, int n) {
      if (row[k] < 0) return;
      const Writer<T> writer(list, given, s, block.first + k);
      if (inOrder) writer.rows(hits, n, row[k]);
      else
        for (int h = 0; h < n; ++h) writer.insert(hits[h], first[k], row[k] + h);
      row[k] += n;
    };
    const bool read = eachSection(store, block, [&](const Section& x) {
      given.look(s, x);
      const uint16_t* hits = x.hits;
      for (int k = 0; k < block.centres(); hits += x.found[k++]) {
        if (k + ahead < block.centres()) list.fetch(row[k + ahead], rows[k + ahead]);
        put(k, hits, x.found[k]);
      }
    });
    if (read) return;
    Candidates candidates;
    Test test(s, block, candidates, c.reals[0], inclusive);
    auto flush = [&] {
      given.look(s, {candidates.count, candidates.images, candidates.offset[0], candidates.id, candidates.image,
                     nullptr, nullptr});
      testAll(test, put);
    };
    Collector<decltype(flush)&>(s, block, test.sphere.far, candidates, flush).collect();
  });
  return 0;
}

} // namespace

// Distances are always f64: which pairs are neighbours must not depend on a model's precision.
FAMILY(neighbours, {"neighbourExtent", nullptr, neighbourExtent, nullptr},
       {"neighbourGrid", nullptr, neighbourGrid, nullptr}, {"neighbourFind", nullptr, neighbourFind, nullptr},
       {"neighbourFill", nullptr, fill<double>, nullptr}, {"neighbourFillSingle", nullptr, fill<float>, nullptr})

} // namespace AG_ISA
} // namespace ag
