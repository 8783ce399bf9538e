// The register tile: R rows by W vectors of sums, one k at a time.
//
// A is read in place through two strides, so plain and transposed operands run the same code: one broadcast per row and
// k. B is either packed (panels of W vectors, k by k) or the caller's own rows; its last vector is masked, so nothing
// is read or written beyond the operands. Each sum is one chain of fused multiply-adds in the order of k: its bits
// depend neither on the tile it falls into nor on the thread.
//
// There is a function for every height, width and kind of last vector: tile.cc compiles them once for all kernels that
// multiply matrices.
#pragma once
#include "../simd.h"

namespace ag {
namespace AG_ISA {

template <class T> struct TileJob {
  const T* a;
  int64_t aRow, aCol; // a(i, k) = a[i aRow + k aCol]
  const T* b;
  int64_t bRow;  // b(k, j) = b[k bRow + j]
  int lastCols;  // columns of the last vector
  bool whole;    // all lanes of b's last vector may be read
  int64_t depth; // number of k
  T* out;
  int64_t outRow;
  bool add; // continue the sums that stand in out
  // What is touched next, fetched meanwhile: the block of C (rows cRow apart), and of A a piece a row high each k.
  const T* c;
  int64_t cRow;
  const T* next;
  int64_t nextStep;
};

// Computes a tile of `rows` <= kTileRows[width] rows.
void runTile(const TileJob<float>& job, int rows, int width);
void runTile(const TileJob<double>& job, int rows, int width);

namespace {

// Rows by width. Vector registers decide: R W sums, W vectors of B, one broadcast, and a product where there is no
// fused multiply-add.
#if defined(__AVX512F__) || defined(__aarch64__)
constexpr int kTileRows[4] = {0, 14, 14, 9};
#elif defined(__FMA__)
constexpr int kTileRows[4] = {0, 12, 6, 4};
#else
constexpr int kTileRows[4] = {0, 12, 6, 3};
#endif
constexpr int kMaxTileSums = 28;
constexpr int kLine = 64; // bytes of a cache line
// Lines of the rows to come that a tile fetches with every k.
template <class T> constexpr int fetchedLines(int width) { return kTileRows[width] * sizeof(T) > kLine ? 2 : 1; }

// Columns fall into panels: three vectors wide, the last one or two panels two wide where three does not divide their
// number; a single vector is a panel of its own.
template <class T> constexpr int64_t vectorsOf(int64_t n) { return (n + kLanes<T> - 1) / kLanes<T>; }
template <class T> constexpr int64_t panelsOf(int64_t n) { return (vectorsOf<T>(n) + 2) / 3; }

template <class T> struct Panel {
  int width;         // vectors
  int64_t col, cols; // first column, columns that exist

  Panel(int64_t index, int64_t n) {
    const int64_t vectors = vectorsOf<T>(n), threes = panelsOf<T>(n) - (3 - vectors % 3) % 3;
    width = vectors == 1 ? 1 : index < threes ? 3 : 2;
    col = (vectors == 1 ? 0 : 2 * index + (index < threes ? index : threes)) * kLanes<T>;
    cols = n - col < width * kLanes<T> ? n - col : width * kLanes<T>;
  }
  int64_t stride() const { return width * kLanes<T>; }
  int64_t lastCols() const { return cols - (width - 1) * kLanes<T>; }
  Tail<T> last() const { return tailOf<T>(static_cast<int>(lastCols())); }
};

} // namespace
} // namespace AG_ISA
} // namespace ag
