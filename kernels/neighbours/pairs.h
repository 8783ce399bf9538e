// Which candidates are neighbours of a block's centres, and what is kept of that between the two passes.
#pragma once
#include "candidates.h"

namespace ag {
namespace AG_ISA {
namespace {

// r_j + t . cell - r_i of positions as given, and its length, rounded after every product and sum: whether a pair at
// the cutoff is in must not depend on the instruction set.
AG_INLINE Row shifted(Row a, Row b, Row c, Offsets t) {
  const Row s = __builtin_convertvector(t, Row);
  return rounded(AG_ROWS(s, s, 0, 0, 0, 0) * a) + rounded(AG_ROWS(s, s, 1, 1, 1, 1) * b) +
         rounded(AG_ROWS(s, s, 2, 2, 2, 2) * c);
}
AG_INLINE double exactLength(Row v) {
  return __builtin_sqrt(rounded(v[0] * v[0]) + rounded(v[1] * v[1]) + rounded(v[2] * v[2]));
}

// The candidates of a block tested against its centres.
struct Test {
  const Space& s;
  const Block& block;
  Candidates& list;
  const Sphere sphere;
  double rcut;
  bool inclusive;
  int32_t self[kMostCentres]; // where the centres stand among the candidates, or -1

  Test(const Space& s_, const Block& block_, Candidates& list_, double rcut_, bool inclusive_)
      : s(s_), block(block_), list(list_), sphere(block_, rcut_), rcut(rcut_), inclusive(inclusive_) {}

  void findCentres() {
    const uint32_t first = static_cast<uint32_t>(block.first), centres = static_cast<uint32_t>(block.centres());
    for (uint32_t c = 0; c < centres; ++c) self[c] = -1;
    for (int k = 0; k < list.count; ++k) {
      const uint32_t c = static_cast<uint32_t>(list.id[k]) - first;
      if (c < centres && list.atHome(k)) self[c] = k;
    }
  }

  // Lists the neighbours of the block's centre c; may write a register more.
  int neighbours(int c, uint16_t* hits) const {
    const int64_t id = block.first + c;
    const V<float> x = splat(static_cast<float>(s.place[id] - block.origin[0])),
                   y = splat(static_cast<float>(s.place[s.N + id] - block.origin[1])),
                   z = splat(static_cast<float>(s.place[2 * s.N + id] - block.origin[2]));
    const int own = self[c];
    const float kept = own < 0 ? 0 : list.x[own];
    if (own >= 0) list.x[own] = 3e18f;
    int found = 0;
    uint32_t shells = 0;
    for (int k = 0; k < list.count; k += kWide) {
      const V<float> dx = load(list.x + k) - x, dy = load(list.y + k) - y, dz = load(list.z + k) - z;
      const V<float> d2 = fma(dx, dx, fma(dy, dy, dz * dz));
      const uint32_t maybe = notAbove(d2, sphere.far2);
      shells |= maybe & ~below(d2, sphere.near2);
      found += listBits(maybe, k, hits + found);
    }
    if (own >= 0) list.x[own] = kept;
    return shells == 0 ? found : decided(id, hits, found);
  }

  // Leaves out those beyond the cutoff by the positions as given.
  int decided(int64_t id, uint16_t* hits, int found) const {
    const double* cell = block.frame.cell;
    const Row a = rowOf(cell), b = rowOf(cell + 3), c = rowOf(cell + 6), from = wideRow(s.given + 4 * id);
    const Offsets own = wideOffsets(s.info + 4 * id);
    int n = 0;
    for (int h = 0; h < found; ++h) {
      const int k = hits[h];
      const int64_t other = list.id[k];
      const Offsets t = wideOffsets(list.offset[list.image[k]]) - wideOffsets(s.info + 4 * other) + own;
      const double d = exactLength(wideRow(s.given + 4 * other) - from + shifted(a, b, c, t));
      if (d < rcut || (inclusive && d == rcut)) hits[n++] = static_cast<uint16_t>(k);
    }
    return n;
  }
};

// What the first pass leaves the second of a block, in words of the block's part of `store`: the number of sections
// (-1: they did not fit), then each: numbers of candidates and images; offsets of the images; numbers of the
// candidates' atoms; 16-bit numbers of their images, of the centres' neighbours, and these.
struct Section {
  int count, images;
  const int32_t *offset, *id;
  const uint16_t *image, *found, *hits;
};

static inline int halfWords(int64_t n) { return static_cast<int>((n + 1) / 2); }

// Where a block's part of the store begins, and its words.
struct StorePart {
  int64_t first, words;

  explicit StorePart(const Block& b)
      : first(b.frame.storeFirst + (b.first - b.firstAtom) * b.frame.storeWords),
        words((b.end - b.first) * b.frame.storeWords) {}
};

class SectionWriter {
public:
  SectionWriter(int32_t* store, const Block& block)
      : centres_(block.centres()), at_(store + StorePart(block).first), end_(at_ + StorePart(block).words),
        number_(at_++) {
    *number_ = 0;
  }

  // Room for the neighbours of one centre of the list behind those noted so far; nullptr where there is not enough.
  uint16_t* begin(const Candidates& list) {
    if (*number_ < 0) return nullptr;
    const int64_t head = 2 + 4 * int64_t{list.images} + list.count + halfWords(list.count) + halfWords(centres_);
    if (head > end_ - at_) return fail();
    int32_t* p = at_;
    *p++ = list.count, *p++ = list.images;
    std::memcpy(p, list.offset, static_cast<size_t>(list.images) * 16), p += 4 * list.images;
    std::memcpy(p, list.id, static_cast<size_t>(list.count) * 4), p += list.count;
    std::memcpy(p, list.image, static_cast<size_t>(list.count) * 2), p += halfWords(list.count);
    found_ = reinterpret_cast<uint16_t*>(p), p += halfWords(centres_);
    hits_ = reinterpret_cast<uint16_t*>(p);
    return hits_;
  }

  // Whether a list's worth of neighbours, and a register more, can be written behind the last.
  bool hasRoom(int count) const { return (reinterpret_cast<uint16_t*>(end_) - hits_) >= count + 2 * kWide; }
  uint16_t* room() const { return hits_; }

  void note(int centre, int found) { found_[centre] = static_cast<uint16_t>(found), hits_ += found; }

  uint16_t* fail() {
    *number_ = -1;
    return nullptr;
  }

  void close() {
    const int64_t used = hits_ - reinterpret_cast<uint16_t*>(at_);
    at_ += halfWords(used);
    ++*number_;
  }

private:
  int centres_;
  int32_t *at_, *end_, *number_;
  uint16_t *found_ = nullptr, *hits_ = nullptr;
};

// Calls f(section) for each of a block's; false where there are none to read.
template <class F> static inline bool eachSection(const int32_t* store, const Block& block, F&& f) {
  const int32_t* p = store + StorePart(block).first;
  const int sections = *p++;
  for (int n = 0; n < sections; ++n) {
    Section x;
    x.count = *p++, x.images = *p++;
    x.offset = p, p += 4 * x.images;
    x.id = p, p += x.count;
    x.image = reinterpret_cast<const uint16_t*>(p), p += halfWords(x.count);
    x.found = reinterpret_cast<const uint16_t*>(p), p += halfWords(block.centres());
    x.hits = reinterpret_cast<const uint16_t*>(p);
    f(x);
    int64_t hits = 0;
    for (int c = 0; c < block.centres(); ++c) hits += x.found[c];
    p += halfWords(hits);
  }
  return sections >= 0;
}

} // namespace
} // namespace AG_ISA
} // namespace ag
