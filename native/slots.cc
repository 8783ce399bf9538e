#include "slots.h"

#include <cstdlib>
#include <mutex>
#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace ag {

constexpr size_t kHugePage = size_t{2} << 20;

namespace {

// Large blocks that came back from arrays JavaScript has dropped. Fresh pages cost more than most kernels take to fill
// them, so some are kept for the next array of the size.
class Returned {
public:
  void* take(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t k = blocks_.size(); k-- > 0;) {
      if (blocks_[k].bytes != bytes) continue;
      void* address = blocks_[k].address;
      kept_ -= bytes;
      blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(k));
      return address;
    }
    return nullptr;
  }

  void give(void* address, size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_.push_back({address, bytes});
    kept_ += bytes;
    while (kept_ > kMost) {
      std::free(blocks_.front().address);
      kept_ -= blocks_.front().bytes;
      blocks_.erase(blocks_.begin());
    }
  }

private:
  static constexpr size_t kMost = size_t{256} << 20;
  struct Block {
    void* address;
    size_t bytes;
  };
  std::mutex mutex_;
  std::vector<Block> blocks_; // oldest first
  size_t kept_ = 0;
};

Returned& returned() {
  static auto* all = new Returned; // arrays may outlive static objects
  return *all;
}

} // namespace

Slots::~Slots() {
  for (auto& block : memory_) std::free(block.address);
}

int Slots::allocate(size_t bytes) {
  // Large blocks start on a huge page: a step streams through them, and page walks would cost a tenth of it.
  const size_t alignment = bytes >= kHugePage ? kHugePage : 64;
  const size_t padded = (bytes + alignment) / alignment * alignment;
  void* address = alignment == kHugePage ? returned().take(bytes) : nullptr;
  const bool fresh = !address;
  if (fresh) address = std::aligned_alloc(alignment, padded);
  if (!address) return -1;
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  if (fresh && alignment == kHugePage) madvise(address, padded, MADV_HUGEPAGE);
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

void Slots::free(int slot) { std::free(take(slot)); }

void* Slots::take(int slot) {
  auto& block = memory_[static_cast<size_t>(slot)];
  void* address = block.address;
  block = {nullptr, 0};
  free_.push_back(slot);
  return address;
}

void Slots::giveBack(void* address, size_t bytes) { returned().give(address, bytes); }

} // namespace ag
