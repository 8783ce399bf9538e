// Segments, such as the neighbours of each centre, dealt out in runs of about equal work. The runs follow from the
// pointers alone, so that results do not depend on the number of threads.
#pragma once
#include "team.h"

namespace ag {
namespace AG_ISA {
namespace {

// What is wrong with row pointers ptr[count + 1] into `rows` rows; 0: nothing. The segment's number times 4 is added.
enum SegmentFault : int { kFirstNotZero = 1, kDecreases = 2, kBeyondRows = 3 };

static inline int segmentFault(const int32_t* ptr, int64_t count, int64_t rows) {
  if (ptr[0] != 0) return kFirstNotZero;
  for (int64_t s = 0; s < count; ++s) {
    if (ptr[s + 1] < ptr[s]) return kDecreases + 4 * static_cast<int>(s);
    if (ptr[s + 1] > rows) return kBeyondRows + 4 * static_cast<int>(s);
  }
  return 0;
}

// body(run, begin, end) for at most `most` runs of segments. before(s): the work units of segments 0..s-1, never
// decreasing.
template <class Before, class F> static inline void segmentRuns(const Call& c, int64_t count, int64_t most,
                                                                double nsPerUnit, Before&& before, F&& body) {
  if (count <= 0) return;
  const double total = static_cast<double>(before(count)), ns = total * nsPerUnit;
  constexpr double kRunNs = 20e3;
  int64_t runs = ns < kRunNs ? 1 : ns < static_cast<double>(most) * kRunNs ? static_cast<int64_t>(ns / kRunNs) : most;
  if (runs > count) runs = count;
  const auto first = [&](int64_t run) { // segment that run starts with
    if (run == 0) return int64_t{0};
    if (run == runs) return count;
    const double target = total * static_cast<double>(run) / static_cast<double>(runs);
    int64_t low = 0, high = count;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (static_cast<double>(before(middle)) < target) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  blocks(c, runs, 1, ns / static_cast<double>(runs),
         [&](int64_t run, int64_t) { body(run, first(run), first(run + 1)); });
}

} // namespace
} // namespace AG_ISA
} // namespace ag
