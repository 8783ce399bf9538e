#include "slots.h"

#include <cstdlib>
#include <mutex>
#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace ag {

constexpr size_t kHugePage = size_t{2} << 20;

namespace {

// Large blocks that came back from arrays JavaScript has dropped. Fresh pages cost more than most kernels take to fill
// them, so some are kept for the next array of the size: a few as they are, more so that the system may take their
// pages when it needs them.
class Returned {
public:
  void* take(size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    for (size_t k = blocks_.size(); k-- > 0;) {
      if (blocks_[k].bytes != bytes) continue;
      void* address = blocks_[k].address;
      forget(k);
      return address;
    }
    return nullptr;
  }

  void give(void* address, size_t bytes) {
    std::lock_guard<std::mutex> lock(mutex_);
    blocks_.push_back({address, bytes, false});
    kept_ += bytes, all_ += bytes;
    for (size_t k = 0; kept_ > kMost && k < blocks_.size(); ++k) offer(blocks_[k]);
    while (all_ > most()) {
      std::free(blocks_.front().address);
      forget(0);
    }
  }

private:
  static constexpr size_t kMost = size_t{256} << 20;
  struct Block {
    void* address;
    size_t bytes;
    bool offered; // to the system
  };

  static size_t most() {
#if defined(__linux__) && defined(MADV_FREE)
    const auto pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    const size_t eighth = pages > 0 && size > 0 ? static_cast<size_t>(pages) / 8 * static_cast<size_t>(size) : 0;
    return eighth > kMost ? eighth : kMost;
#else
    return kMost;
#endif
  }

  void offer(Block& block) {
    if (block.offered) return;
#if defined(__linux__) && defined(MADV_FREE)
    madvise(block.address, block.bytes / kHugePage * kHugePage, MADV_FREE);
#endif
    block.offered = true, kept_ -= block.bytes;
  }

  void forget(size_t k) {
    if (!blocks_[k].offered) kept_ -= blocks_[k].bytes;
    all_ -= blocks_[k].bytes;
    blocks_.erase(blocks_.begin() + static_cast<std::ptrdiff_t>(k));
  }

  std::mutex mutex_;
  std::vector<Block> blocks_; // oldest first
  size_t kept_ = 0, all_ = 0; // bytes not offered, and of all
};

Returned& returned() {
  static auto* all = new Returned; // arrays may outlive static objects
  return *all;
}

} // namespace

Slots::~Slots() {
  for (auto& block : memory_)
    if (!block.lent) std::free(block.address);
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
  return number({address, bytes, false});
}

int Slots::lend(void* address, size_t bytes) {
  static char nothing; // an empty array has no address
  return number({address ? address : &nothing, bytes, true});
}

int Slots::number(Block block) {
  if (free_.empty()) {
    memory_.push_back(block);
    return static_cast<int>(memory_.size()) - 1;
  }
  const int slot = free_.back();
  free_.pop_back();
  memory_[static_cast<size_t>(slot)] = block;
  return slot;
}

void Slots::free(int slot) {
  const bool lent = memory_[static_cast<size_t>(slot)].lent;
  void* address = take(slot);
  if (!lent) std::free(address);
}

void* Slots::take(int slot) {
  auto& block = memory_[static_cast<size_t>(slot)];
  void* address = block.address;
  block = {nullptr, 0, false};
  free_.push_back(slot);
  return address;
}

void Slots::useHugePages(void* address, size_t bytes) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  const auto start = reinterpret_cast<uintptr_t>(address), end = (start + bytes) / kHugePage * kHugePage;
  const uintptr_t first = (start + kHugePage - 1) / kHugePage * kHugePage;
  if (first < end) madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#else
  (void)address, (void)bytes;
#endif
}

void Slots::giveBack(void* address, size_t bytes) { returned().give(address, bytes); }

} // namespace ag
