// The atoms and images near a block of centres, in single precision around the block's origin: what each of its centres
// is tested against.
#pragma once
#include "space.h"

namespace ag {
namespace AG_ISA {
namespace {

constexpr int kMostCandidates = 4096, kMostImages = 1024;

struct Candidates {
  int count, images;
  alignas(64) float x[kMostCandidates + kWide], y[kMostCandidates + kWide], z[kMostCandidates + kWide];
  alignas(64) int32_t id[kMostCandidates + kWide]; // number among the sorted atoms
  alignas(64) uint16_t image[kMostCandidates + kWide];
  alignas(64) int32_t offset[kMostCandidates + 1][4]; // of an image, in the given lattice

  // The rest of the last register lies nowhere near.
  void close() {
    const V<float> away = splat(3e18f);
    store(x + count, away), store(y + count, away), store(z + count, away);
  }

  bool atHome(int k) const {
    const int32_t* t = offset[image[k]];
    return (t[0] | t[1] | t[2]) == 0;
  }
};

// One image of a frame as seen from a block: vector from the block's origin, offset in the given lattice.
struct Image {
  double vector[3];
  int32_t offset[3];

  Image(const Block& block, int64_t sx, int64_t sy, int64_t sz) {
    const double X = static_cast<double>(sx), Y = static_cast<double>(sy), Z = static_cast<double>(sz);
    const double* compact = block.frame.compact;
    const int32_t* basis = block.frame.basis;
    for (int b = 0; b < 3; ++b) {
      vector[b] = X * compact[b] + Y * compact[3 + b] + Z * compact[6 + b] - block.origin[b];
      offset[b] = static_cast<int32_t>(sx * basis[b] + sy * basis[3 + b] + sz * basis[6 + b]);
    }
  }
};

// Collects candidates and calls flush() whenever the list is full and at the end. They come in order of atom and image
// of the compact lattice, so that pairs found one list after the other are in order.
template <class Flush> class Collector {
public:
  Collector(const Space& s, const Block& block, double far, Candidates& list, Flush&& flush)
      : s_(s), b_(block), far_(far), far2_(far * far), list_(list), flush_(flush) {}

  void collect() {
    list_.count = list_.images = 0;
    if (b_.frame.cells[0] == 0) direct();
    else inBands();
  }

private:
  void emit() {
    if (list_.count > 0) list_.close(), flush_();
    list_.count = 0;
  }

  // Lanes within reach of the block's box.
  AG_ALWAYS inline uint32_t near(V<double> x, V<double> y, V<double> z) const {
    const V<double> ox = positive(magnitude(x) - b_.half[0]), oy = positive(magnitude(y) - b_.half[1]),
                    oz = positive(magnitude(z) - b_.half[2]);
    return below(fma(ox, ox, fma(oy, oy, oz * oz)), far2_);
  }

  AG_ALWAYS inline void keep(uint32_t bits, V<double> x, V<double> y, V<double> z) {
    const int n = list_.count;
    keepLanes(bits, x, list_.x + n), keepLanes(bits, y, list_.y + n), keepLanes(bits, z, list_.z + n);
  }

  // --- no grid: every atom in every image that may reach the block

  struct Images {
    int64_t low[3], count[3];
    int n;
    int64_t next; // number of the first image not looked at
    alignas(64) double x[kMostImages + 8], y[kMostImages + 8], z[kMostImages + 8];
  };

  void direct() {
    Images images;
    int64_t total = 1;
    for (int a = 0; a < 3; ++a) {
      int64_t low = 0, high = 0;
      if (b_.frame.wraps(a)) {
        const double reach = b_.frame.reach[a] + 1e-9;
        low = static_cast<int64_t>(__builtin_ceil(b_.lowest[a] - b_.frame.high[a] - reach));
        high = static_cast<int64_t>(__builtin_floor(b_.highest[a] - b_.frame.low[a] + reach));
      }
      images.low[a] = low, images.count[a] = high - low + 1;
      total *= images.count[a];
    }
    bool whole = false; // all images stand in the list
    for (int64_t k = b_.firstAtom; k < b_.endAtom; ++k) {
      for (int64_t from = 0; from < total; from = images.next) {
        if (!whole) {
          list(images, from, total);
          whole = from == 0 && images.next == total;
        }
        atom(images, k);
        if (!whole) emit();
      }
    }
    emit();
  }

  // The images from a number on that come near the block, as many as fit.
  void list(Images& images, int64_t from, int64_t total) {
    // A box around the frame's atoms, as much larger as the block's box is.
    double centre[3] = {}, half[3] = {b_.half[0], b_.half[1], b_.half[2]};
    for (int a = 0; a < 3; ++a)
      for (int b = 0; b < 3; ++b) {
        const double v = b_.frame.compact[3 * a + b];
        centre[b] += 0.5 * (b_.frame.low[a] + b_.frame.high[a]) * v;
        half[b] += 0.5 * (b_.frame.high[a] - b_.frame.low[a]) * __builtin_fabs(v);
      }
    const double most = far2_ * (1 + 1e-6);
    int n = 0;
    int64_t at = from;
    for (; at < total && n < kMostImages; ++at) {
      const int64_t row = at / images.count[2];
      const Image image(b_, images.low[0] + row / images.count[1], images.low[1] + row % images.count[1],
                        images.low[2] + at % images.count[2]);
      double d2 = 0;
      for (int b = 0; b < 3; ++b) {
        const double out = __builtin_fabs(centre[b] + image.vector[b]) - half[b];
        d2 += out > 0 ? out * out : 0;
      }
      if (d2 > most) continue;
      images.x[n] = image.vector[0], images.y[n] = image.vector[1], images.z[n] = image.vector[2];
      std::memcpy(list_.offset[n++], image.offset, sizeof(image.offset));
    }
    for (int k = n; k < n + kLanes<double>; ++k) images.x[k] = images.y[k] = images.z[k] = 1e18;
    images.n = list_.images = n, images.next = at;
  }

  void atom(const Images& images, int64_t k) {
    const double px = s_.place[k], py = s_.place[s_.N + k], pz = s_.place[2 * s_.N + k];
    for (int m = 0; m < images.n; m += kLanes<double>) {
      const V<double> x = load(images.x + m) + px, y = load(images.y + m) + py, z = load(images.z + m) + pz;
      const uint32_t bits = near(x, y, z);
      if (bits == 0) continue;
      if (list_.count + kLanes < double >> kMostCandidates) emit();
      const int n = list_.count;
      keep(bits, x, y, z);
      list_.count = n + listBits(bits, m, list_.image + n);
      for (int l = n; l < list_.count; ++l) list_.id[l] = static_cast<int32_t>(k);
    }
  }

  // --- grid

  // Bands of atom numbers, as many as it takes for each to fit the list.
  void inBands() {
    int64_t width = b_.endAtom - b_.firstAtom;
    for (int64_t low = b_.firstAtom; low < b_.endAtom; low += width) {
      for (;;) {
        list_.count = list_.images = 0;
        if (cells(low, low + width)) break;
        width = (width + 1) / 2;
      }
      sort();
      emit();
    }
  }

  // The atoms of the grid cells within reach whose numbers are in a band; false when they do not fit.
  bool cells(int64_t low, int64_t high) {
    int64_t from[3], to[3];
    const Frame& f = b_.frame;
    const int32_t* n = f.cells;
    const bool banded = low > b_.firstAtom || high < b_.endAtom;
    for (int a = 0; a < 3; ++a) {
      const double start = f.low[a], width = f.wraps(a) ? 1 : f.high[a] - start;
      const double scale = width > 0 ? n[a] / width : 0, zero = f.wraps(a) ? 0 : start;
      from[a] = static_cast<int64_t>(__builtin_floor((b_.lowest[a] - f.reach[a] - zero) * scale - 1e-9));
      to[a] = static_cast<int64_t>(__builtin_floor((b_.highest[a] + f.reach[a] - zero) * scale + 1e-9));
      if (f.wraps(a)) continue;
      from[a] = from[a] < 0 ? 0 : from[a], to[a] = to[a] >= n[a] ? n[a] - 1 : to[a];
    }
    for (int64_t X = from[0]; X <= to[0]; ++X) {
      const int64_t sx = floorDiv(X, n[0]);
      for (int64_t Y = from[1]; Y <= to[1]; ++Y) {
        const int64_t sy = floorDiv(Y, n[1]);
        const int32_t* row = s_.cellPtr + f.firstCell + ((X - sx * n[0]) * n[1] + (Y - sy * n[1])) * n[2];
        for (int64_t Z = from[2]; Z <= to[2];) {
          const int64_t sz = floorDiv(Z, n[2]), last = (sz + 1) * n[2] - 1 < to[2] ? (sz + 1) * n[2] - 1 : to[2];
          const int64_t first = row[Z - sz * n[2]], end = row[last - sz * n[2] + 1];
          Z = last + 1;
          if (first == end) continue;
          const Image image(b_, sx, sy, sz);
          const int before = list_.count;
          if (!(banded ? run<true>(image, first, end, low, high) : run<false>(image, first, end, low, high)))
            return false;
          if (list_.count > before) std::memcpy(list_.offset[list_.images++], image.offset, sizeof(image.offset));
        }
      }
    }
    return true;
  }

  AG_ALWAYS inline int64_t floorDiv(int64_t a, int64_t n) {
    return static_cast<uint64_t>(a) < static_cast<uint64_t>(n) ? 0 : a >= 0 ? a / n : -((-a + n - 1) / n);
  }

  // The atoms first .. end (sorted numbers) in one image.
  template <bool banded> bool run(const Image& image, int64_t first, int64_t end, int64_t low, int64_t high) {
    const double *px = s_.place, *py = px + s_.N, *pz = py + s_.N;
    for (int64_t k = first; k < end; k += kLanes<double>) {
      const int lanes = end - k < kLanes<double> ? static_cast<int>(end - k) : kLanes<double>;
      const V<double> x = loadPart(px + k, lanes) + image.vector[0], y = loadPart(py + k, lanes) + image.vector[1],
                      z = loadPart(pz + k, lanes) + image.vector[2];
      uint32_t bits = near(x, y, z) & ((1u << lanes) - 1);
      if (banded)
        for (int l = 0; l < lanes; ++l)
          if (s_.order[k + l] < low || s_.order[k + l] >= high) bits &= ~(1u << l);
      if (bits == 0) continue;
      const int n = list_.count;
      if (n + kLanes < double >> kMostCandidates) return false;
      keep(bits, x, y, z);
      keepLanes(bits, s_.order + k, atom_ + n);
      listBits(bits, 0, lane_ + n);
      list_.count = n + __builtin_popcount(bits);
      for (int l = n; l < list_.count; ++l)
        list_.id[l] = static_cast<int32_t>(k) + lane_[l], list_.image[l] = static_cast<uint16_t>(list_.images);
    }
    return true;
  }

  // By atom; images of one atom keep their order. A radix sort with digits as narrow as the range of numbers allows.
  void sort() {
    const int n = list_.count;
    int32_t low = INT32_MAX, high = 0;
    bool done = true;
    for (int k = 0; k < n; ++k) low = atom_[k] < low ? atom_[k] : low, high = atom_[k] > high ? atom_[k] : high;
    for (int k = 1; k < n; ++k) done &= atom_[k - 1] <= atom_[k];
    if (done) return;
    const int bits = 32 - __builtin_clz(static_cast<uint32_t>(high - low)), passes = (bits + 7) / 8;
    const int width = (bits + passes - 1) / passes, digits = 1 << width;
    for (int k = 0; k < n; ++k)
      key_[k] = static_cast<uint64_t>(static_cast<uint32_t>(atom_[k] - low)) << 32 | static_cast<uint32_t>(k);
    uint64_t *from = key_, *to = spare_;
    for (int pass = 0; pass < passes; ++pass) {
      const int shift = 32 + pass * width;
      int32_t start[256] = {};
      for (int k = 0; k < n; ++k) ++start[from[k] >> shift & static_cast<uint64_t>(digits - 1)];
      int32_t sum = 0;
      for (int d = 0; d < digits; ++d) {
        const int32_t here = start[d];
        start[d] = sum, sum += here;
      }
      for (int k = 0; k < n; ++k) to[start[from[k] >> shift & static_cast<uint64_t>(digits - 1)]++] = from[k];
      uint64_t* other = from;
      from = to, to = other;
    }
    permute(from);
  }

  void permute(const uint64_t* key) {
    const int n = list_.count;
    const auto in = [&](auto* values, auto* spare) {
      for (int k = 0; k < n; ++k) spare[k] = values[static_cast<uint32_t>(key[k])];
      std::memcpy(values, spare, static_cast<size_t>(n) * sizeof(*values));
    };
    float number[kMostCandidates];
    in(list_.x, number), in(list_.y, number), in(list_.z, number);
    in(list_.id, atom_), in(list_.image, lane_);
  }

  const Space& s_;
  const Block& b_;
  const double far_, far2_;
  Candidates& list_;
  Flush& flush_;
  alignas(64) int32_t atom_[kMostCandidates + kWide];
  alignas(64) uint16_t lane_[kMostCandidates + kWide];
  uint64_t key_[kMostCandidates], spare_[kMostCandidates];
};

} // namespace
} // namespace AG_ISA
} // namespace ag
